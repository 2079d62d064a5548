//! The stand-in on HTTP, for a real binary, a demo and crash tests.
//!
//! Lost answers are lost here too: a timeout never answers, a reset cuts the connection in the middle of the body. The
//! account lives on by itself where a rate of changes is given, and is saved now and then and at the end.

use std::future::pending;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sdk::{Clock, Method};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{HubSpot, Lost};

/// Larger bodies are refused: no call of the API comes near.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// How the account lives while it is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Records made or changed in a second by the account's own people; 0 for none.
    pub churn_per_second: f64,
    /// Where the account is saved; `None` for nowhere.
    pub state_path: Option<PathBuf>,
    /// How often it is saved, if anything changed.
    pub save_every: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { churn_per_second: 0.0, state_path: None, save_every: Duration::from_secs(10) }
    }
}

/// A served account. Dropping it leaves the server running until its runtime ends; [`Server::stop`] ends it in order.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
    life: JoinHandle<()>,
}

impl Server {
    /// The base URL of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the requests at work, saves the account and ends.
    pub async fn stop(self) -> std::io::Result<()> {
        // A receiver that is gone has stopped already.
        let _ = self.stop.send(true);
        let served = self.server.await.map_err(std::io::Error::other)?;
        self.life.await.map_err(std::io::Error::other)?;
        served
    }
}

/// Serves the account on this listener until [`Server::stop`].
pub fn serve(
    hubspot: Arc<Mutex<HubSpot>>,
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    options: ServeOptions,
) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let mount = Mount { hubspot: hubspot.clone(), clock: clock.clone(), stopped: stopped.clone() };
    let router = Router::new().fallback(answer).with_state(mount);
    let serving = axum::serve(listener, router).with_graceful_shutdown(until(stopped.clone()));
    let server = tokio::spawn(async move { serving.await });
    let life = tokio::spawn(live(hubspot, clock, options, stopped));
    Ok(Server { address, stop, server, life })
}

#[derive(Clone)]
struct Mount {
    hubspot: Arc<Mutex<HubSpot>>,
    clock: Arc<dyn Clock>,
    stopped: watch::Receiver<bool>,
}

async fn answer(State(mount): State<Mount>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = sdk::Request {
        method,
        url: absolute(&parts.headers, &parts.uri.to_string()),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.to_vec(),
        deadline: Duration::from_secs(30),
    };
    let exchanged = lock(&mount.hubspot).exchange(&request, mount.clock.now());
    match exchanged {
        Ok(response) => to_axum(response),
        Err(Lost::NotConnected | Lost::Reset) => cut(),
        Err(Lost::Timeout) => {
            // The client gives up long before; a server that stops does not wait for it.
            tokio::select! {
                () = until(mount.stopped) => {}
                () = mount.clock.sleep(Duration::from_secs(600)) => {}
            }
            cut()
        }
    }
}

/// Changes records and saves the account until it is stopped, and once more then.
async fn live(
    hubspot: Arc<Mutex<HubSpot>>,
    clock: Arc<dyn Clock>,
    options: ServeOptions,
    stopped: watch::Receiver<bool>,
) {
    let churn = async {
        let mut owed = 0.0;
        loop {
            if options.churn_per_second <= 0.0 {
                return pending::<()>().await;
            }
            // Ten times a second at most, so that changes come in small groups with one stamp, and seldom ones one by
            // one.
            let pause = (1.0 / options.churn_per_second).clamp(0.1, 3_600.0);
            clock.sleep(Duration::from_secs_f64(pause)).await;
            owed += options.churn_per_second * pause;
            let n = owed as usize;
            owed -= n as f64;
            lock(&hubspot).churn(n, clock.now());
        }
    };
    let saving = async {
        let mut saved = lock(&hubspot).sequence;
        loop {
            clock.sleep(options.save_every).await;
            let sequence = lock(&hubspot).sequence;
            if sequence != saved {
                save(&hubspot, &options).await;
                saved = sequence;
            }
        }
    };
    tokio::select! {
        () = until(stopped) => {}
        () = churn => {}
        () = saving => {}
    }
    save(&hubspot, &options).await;
}

async fn save(hubspot: &Arc<Mutex<HubSpot>>, options: &ServeOptions) {
    let Some(path) = options.state_path.clone() else { return };
    let hubspot = hubspot.clone();
    let saved = tokio::task::spawn_blocking(move || lock(&hubspot).save(&path)).await;
    match saved {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the sandbox's state was not saved"),
        Err(error) => tracing::error!(%error, "the sandbox's state was not saved"),
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone can no longer stop us.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        pending::<()>().await;
    }
}

fn absolute(headers: &HeaderMap, uri: &str) -> String {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    if uri.starts_with('/') { format!("http://{host}{uri}") } else { uri.to_owned() }
}

fn to_axum(response: sdk::Response) -> Response {
    let mut built = Response::builder().status(response.status);
    for (name, value) in &response.headers {
        built = built.header(name, value);
    }
    built.body(Body::from(response.body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// An answer that begins and never ends well: the connection is cut while it is on its way.
fn cut() -> Response {
    let torn = futures::stream::iter([
        Ok(axum::body::Bytes::from_static(b"{\"results\":[")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    Response::new(Body::from_stream(torn))
}

fn lock(hubspot: &Mutex<HubSpot>) -> MutexGuard<'_, HubSpot> {
    hubspot.lock().unwrap_or_else(PoisonError::into_inner)
}

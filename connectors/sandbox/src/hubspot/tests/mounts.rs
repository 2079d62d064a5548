//! The two doors: in process and on HTTP.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use sdk::{Clock, Transport, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::hubspot::{SandboxTransport, ServeOptions, Server, serve};

/// A clock that stands, and notes how long it was asked to sleep.
#[derive(Default)]
struct StillClock {
    slept: Mutex<Duration>,
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        NOW + *self.slept.lock().expect("no test panicked with it")
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        *self.slept.lock().expect("no test panicked with it") += duration;
        Box::pin(std::future::ready(()))
    }
}

/// A clock that stands, and on which no sleep ends.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn shared(client: Client) -> Arc<Mutex<HubSpot>> {
    Arc::new(Mutex::new(client.hubspot))
}

#[tokio::test]
async fn in_process_each_loss_is_told_as_the_network_tells_it() {
    let client = Client::new();
    let request = client.request(Method::Get, "/crm/v3/objects/contacts", None);
    let clock = Arc::new(StillClock::default());
    let transport = SandboxTransport {
        latency: Duration::from_millis(100),
        ..SandboxTransport::new(shared(client), clock.clone())
    };
    let force = |fault| {
        let mut hubspot = transport.hubspot.lock().expect("no test panicked with it");
        let next = hubspot.calls() + 1;
        hubspot.faults_mut().forced.insert(next, fault);
    };
    let lose = async |fault| {
        force(fault);
        transport.send(request.clone()).await
    };
    assert!(matches!(lose(Fault::NotConnected).await, Err(TransportError::NotSent(_))));
    assert!(matches!(lose(Fault::ResetAfter).await, Err(TransportError::MaybeSent(_))));
    let before = clock.now();
    assert!(matches!(lose(Fault::TimeoutAfter).await, Err(TransportError::MaybeSent(_))));
    assert!(clock.now().since(before) >= request.deadline, "a client waits until its deadline");
    let before = clock.now();
    assert_eq!(transport.send(request.clone()).await.expect("an answer").status, 200);
    assert_eq!(clock.now().since(before), Duration::from_millis(100));
}

async fn served(client: Client, options: ServeOptions) -> (Arc<Mutex<HubSpot>>, Server) {
    let hubspot = shared(client);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = serve(hubspot.clone(), listener, Arc::new(StoppedClock), options).expect("it listens");
    (hubspot, server)
}

/// Everything the server says until it ends the connection.
async fn ask(server: &Server, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {DEFAULT_TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    // A connection that is cut ends here too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn on_http_the_same_account_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let state_path = folder.path().join("state.json");
    let options = ServeOptions { state_path: Some(state_path.clone()), ..ServeOptions::default() };
    let (hubspot, server) = served(Client::new(), options).await;
    let made =
        ask(&server, "POST", "/crm/v3/objects/contacts", r#"{"properties": {"email": "ann@example.org"}}"#).await;
    assert!(made.starts_with("HTTP/1.1 201 Created\r\n"), "{made}");
    assert!(made.contains("x-hubspot-ratelimit") || made.contains("date: Sun, 01 Nov 2026 02:26:40 GMT"), "{made}");
    assert_eq!(made.matches("date:").count(), 1, "{made}");
    assert_eq!(hubspot.lock().expect("no test panicked with it").writes().len(), 1);
    let list = ask(&server, "GET", "/crm/v3/objects/contacts?limit=1", "").await;
    assert!(list.contains("ann@example.org"), "{list}");
    assert!(ask(&server, "OPTIONS", "/", "").await.starts_with("HTTP/1.1 405"));
    server.stop().await.expect("an orderly end");
    let loaded = HubSpot::load(&state_path, Options::default()).expect("saved at the end");
    assert_eq!(loaded.records("contacts").expect("contacts exist").count(), 1);
}

#[tokio::test]
async fn on_http_a_cut_connection_ends_before_the_answer_does() {
    let mut client = Client::new();
    client.force(Fault::ResetAfter);
    let (hubspot, server) = served(client, ServeOptions::default()).await;
    let cut = ask(&server, "POST", "/crm/v3/objects/contacts", r#"{"properties": {"email": "ann@example.org"}}"#).await;
    assert!(!cut.ends_with("0\r\n\r\n"), "the last chunk is missing: {cut}");
    assert_eq!(hubspot.lock().expect("no test panicked with it").writes().len(), 1);
    server.stop().await.expect("an orderly end");
}

#[tokio::test]
async fn on_http_a_stopped_server_does_not_wait_for_those_it_never_answers() {
    let mut client = Client::new();
    client.force(Fault::TimeoutBefore);
    let (hubspot, server) = served(client, ServeOptions::default()).await;
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n").await.expect("it reads");
    while hubspot.lock().expect("no test panicked with it").calls() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop().await.expect("an orderly end");
}

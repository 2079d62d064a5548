//! The transport against real TLS servers, whose certificates are in `testdata`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use sdk::{Method, Request, Response, Settings, Transport as _, TransportError};

use super::HttpTransport;

/// A server on this machine that shows a certificate, and answers every request it can read.
struct TlsServer {
    port: u16,
    n_requests: Arc<AtomicUsize>,
}

impl TlsServer {
    fn start(certificate: &str) -> Self {
        let certificate = CertificateDer::from_pem_file(testdata(certificate)).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(testdata("server.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![certificate], key);
        let config = Arc::new(config.expect("the key is the certificate's"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let n_requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_requests);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.expect("a caller");
                let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a configuration");
                let mut stream = Stream::new(&mut tls, &mut socket);
                // A caller that does not like the certificate turns away here.
                if stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
                }
            }
        });
        Self { port, n_requests }
    }

    async fn asked_by(&self, transport: &HttpTransport, host: &str) -> Result<Response, TransportError> {
        let request = Request {
            method: Method::Get,
            url: format!("https://{host}:{}/", self.port),
            headers: vec![("authorization".to_owned(), "Bearer t".to_owned())],
            body: Vec::new(),
            deadline: Duration::from_secs(20),
        };
        transport.send(request).await
    }
}

fn testdata(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/tests/testdata").join(name)
}

fn trusting_the_test_authority() -> HttpTransport {
    let authority = std::fs::read(testdata("authority.pem")).expect("a certificate");
    HttpTransport::trusting(&authority).expect("a client")
}

#[tokio::test]
async fn the_right_certificate_of_a_trusted_authority_is_accepted() {
    let server = TlsServer::start("right.pem");
    for host in ["localhost", "127.0.0.1"] {
        let answer = server.asked_by(&trusting_the_test_authority(), host).await.expect(host);
        assert_eq!(answer.body, b"hi");
    }
    assert_eq!(server.n_requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn every_other_certificate_is_refused_before_anything_is_sent() {
    for (certificate, why) in [
        ("self-signed.pem", "UnknownIssuer"),
        ("other-authority.pem", "UnknownIssuer"),
        ("expired.pem", "expired"),
        ("other-host.pem", "not valid for name"),
    ] {
        let server = TlsServer::start(certificate);
        match server.asked_by(&trusting_the_test_authority(), "localhost").await {
            Err(TransportError::NotSent(reason)) => assert!(reason.contains(why), "{certificate}: {reason}"),
            other => panic!("{certificate}: {other:?}"),
        }
        assert_eq!(server.n_requests.load(Ordering::SeqCst), 0, "{certificate}");
    }
}

#[tokio::test]
async fn a_machines_own_authorities_vouch_for_none_of_ours() {
    for certificate in ["right.pem", "self-signed.pem"] {
        let server = TlsServer::start(certificate);
        let transport = HttpTransport::open(&Settings::default()).expect("a client");
        let answer = server.asked_by(&transport, "localhost").await;
        assert!(matches!(answer, Err(TransportError::NotSent(_))), "{certificate}: {answer:?}");
        assert_eq!(server.n_requests.load(Ordering::SeqCst), 0, "{certificate}");
    }
}

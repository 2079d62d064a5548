//! The transport against servers that misbehave, byte by byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sdk::{Method, Request, Response, Settings, Transport, TransportError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::HttpTransport;

mod answers;
mod proxies;
mod tls;

/// A server on this machine that answers every request with what a function makes of the socket.
struct Server {
    port: u16,
    n_requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let n_requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_requests);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                if !read_head(&mut socket).await.is_empty() {
                    counter.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(answer(socket));
                }
            }
        });
        Self { port, n_requests }
    }

    /// A server that writes these bytes and closes.
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut socket| {
            let answer = Arc::clone(&answer);
            async move {
                // The client may have turned away by now, which is what some tests are about.
                let _ = socket.write_all(&answer).await;
                let _ = socket.shutdown().await;
            }
        })
        .await
    }

    fn n_requests(&self) -> usize {
        self.n_requests.load(Ordering::SeqCst)
    }

    async fn ask(&self) -> Result<Response, TransportError> {
        transport().send(self.request()).await
    }

    fn request(&self) -> Request {
        Request {
            method: Method::Post,
            url: format!("http://127.0.0.1:{}/x", self.port),
            headers: vec![("authorization".to_owned(), "Bearer t".to_owned())],
            body: b"{}".to_vec(),
            deadline: Duration::from_secs(20),
        }
    }
}

fn transport() -> HttpTransport {
    HttpTransport::open(&Settings::default()).expect("a client")
}

/// Reads a request, or the greeting of one that wanted TLS.
async fn read_head(socket: &mut TcpStream) -> String {
    const TLS_GREETING: u8 = 0x16;
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) && request.first() != Some(&TLS_GREETING) {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(n) => request.extend_from_slice(&buffer[..n]),
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn is_whole(request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request);
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

#[track_caller]
fn maybe_sent(answer: Result<Response, TransportError>) -> String {
    match answer {
        Err(TransportError::MaybeSent(reason)) => reason,
        other => panic!("expected that the request may have been sent, and got {other:?}"),
    }
}

#[track_caller]
fn unreadable(answer: Result<Response, TransportError>) -> String {
    match answer {
        Err(TransportError::Unreadable(reason)) => reason,
        other => panic!("expected an answer that cannot be read, and got {other:?}"),
    }
}

#[track_caller]
fn not_sent(answer: Result<Response, TransportError>) -> String {
    match answer {
        Err(TransportError::NotSent(reason)) => reason,
        other => panic!("expected that nothing was sent, and got {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_arrives_with_its_status_headers_and_body_and_sockets_are_kept() {
    let (heads, mut seen) = mpsc::unbounded_channel();
    let server = Server::start(move |mut socket| {
        let heads = heads.clone();
        async move {
            // One socket, two requests: the first was read already.
            for _ in 0..2 {
                socket.write_all(b"HTTP/1.1 418 x\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi").await.expect("written");
                heads.send(read_head(&mut socket).await).expect("the test listens");
            }
        }
    })
    .await;
    let transport = transport();
    for _ in 0..2 {
        let answer = transport.send(server.request()).await.expect("an answer");
        assert_eq!((answer.status, answer.header("x-a"), &*answer.body), (418, Some("1"), &b"hi"[..]));
    }
    assert_eq!(server.n_requests(), 1, "the second request came on the same socket");
    let head = seen.recv().await.expect("a second request").to_lowercase();
    assert!(head.starts_with("post /x http/1.1\r\n"), "{head}");
    assert!(head.contains(concat!("user-agent: millrace/", env!("CARGO_PKG_VERSION"))), "{head}");
    assert!(head.contains("authorization: bearer t"), "{head}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_its_target_is_never_asked() {
    let target = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let elsewhere = [format!("http://127.0.0.1:{}/", target.port), format!("https://localhost:{}/", target.port)];
    for status in [301, 302, 303, 307, 308] {
        for location in [&*elsewhere[0], &*elsewhere[1], "/again", "//127.0.0.1/", ""] {
            let head = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            let server = Server::saying(head).await;
            assert_eq!(server.ask().await.expect("an answer").status, status);
            assert_eq!(server.n_requests(), 1, "{status} to {location}");
        }
    }
    assert_eq!(target.n_requests(), 0);
}

#[tokio::test]
async fn what_breaks_after_the_request_left_may_have_been_applied_and_is_not_repeated() {
    for (name, answer) in [
        ("closed without a word", ""),
        ("closed in the headers", "HTTP/1.1 200 OK\r\nContent-Le"),
        ("closed in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        ("closed in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"),
        ("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n"),
        ("broken gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
    ] {
        let server = Server::saying(answer).await;
        let reason = maybe_sent(server.ask().await);
        assert!(!reason.contains("127.0.0.1"), "{name}: {reason}");
        assert_eq!(server.n_requests(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_reset_in_the_body_may_have_been_applied() {
    let server = Server::start(|mut socket| async move {
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await.expect("written");
        // Closing with a linger of zero sends a reset instead of an end.
        socket.set_zero_linger().expect("a socket");
    })
    .await;
    maybe_sent(server.ask().await);
    assert_eq!(server.n_requests(), 1);
}

#[tokio::test]
async fn a_slow_drip_of_headers_or_body_ends_at_the_total_deadline() {
    const HEADERS: &str = "HTTP/1.1 200 OK\r\nX-A: ";
    const BODY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    for beginning in [HEADERS, BODY] {
        let server = Server::start(move |mut socket| async move {
            socket.write_all(beginning.as_bytes()).await.expect("written");
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                if socket.write_all(b"x").await.is_err() {
                    return;
                }
            }
        })
        .await;
        let request = Request { deadline: Duration::from_millis(200), ..server.request() };
        let reason = maybe_sent(transport().send(request).await);
        assert!(reason.contains("time limit"), "{reason}");
    }
}

#[tokio::test]
async fn a_body_is_read_to_its_cap_whether_it_is_packed_or_endless() {
    let packed = gzip_of_zeros(200);
    assert!(packed.len() < 2 * 1024 * 1024, "200 MiB in {} bytes", packed.len());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    let server = Server::saying([head.into_bytes(), packed].concat()).await;
    assert!(unreadable(server.ask().await).contains("too long"));

    let without_length = ("HTTP/1.1 200 OK\r\n\r\n", vec![b'x'; 65_536]);
    let chunk = [&b"10000\r\n"[..], &[b'x'; 65_536], b"\r\n"].concat();
    let chunked = ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk);
    let too_much = ("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", vec![b'x'; 65_536]);
    for (head, part) in [without_length, chunked, too_much] {
        let part: Arc<[u8]> = part.into();
        let server = Server::start(move |mut socket| {
            let part = Arc::clone(&part);
            async move {
                let _ = socket.write_all(head.as_bytes()).await;
                while socket.write_all(&part).await.is_ok() {}
            }
        })
        .await;
        assert!(unreadable(server.ask().await).contains("too long"), "{head}");
    }
}

#[tokio::test]
async fn what_is_packed_twice_or_in_an_unknown_way_is_refused() {
    for packing in ["gzip, gzip", "gzip,gzip", "br", "deflate", "zstd", "x-gzip, identity", "nonsense"] {
        let server =
            Server::saying(format!("HTTP/1.1 200 OK\r\nContent-Encoding: {packing}\r\nContent-Length: 2\r\n\r\n{{}}"))
                .await;
        assert!(unreadable(server.ask().await).contains("is packed as"), "{packing}");
    }
    let twice = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}";
    maybe_sent(Server::saying(twice).await.ask().await);
    let plain = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(Server::saying(plain).await.ask().await.expect("an answer").body, b"{}");
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let many = "X-A: 1\r\n".repeat(100_000);
    let long = format!("X-A: {}\r\n", "1".repeat(1_000_000));
    let wide = format!("X-A: {}\r\n", "1".repeat(3_000)).repeat(40);
    for headers in [many, long, wide] {
        let server = Server::saying(format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n")).await;
        let answer = server.ask().await;
        let is_refused = matches!(answer, Err(TransportError::MaybeSent(_) | TransportError::Unreadable(_)));
        assert!(is_refused, "{answer:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_where_no_connection_is_made() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
    let at = |url: String| Request {
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: Vec::new(),
        deadline: Duration::from_secs(20),
    };
    assert!(not_sent(transport().send(at(format!("http://127.0.0.1:{free}/"))).await).contains("no connection"));
    assert!(not_sent(transport().send(at("https://nowhere.invalid/".to_owned())).await).contains("no connection"));

    // A server that speaks no TLS: a greeting leaves, no request does.
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    not_sent(transport().send(at(format!("https://127.0.0.1:{}/", server.port))).await);
}

#[tokio::test]
async fn what_must_not_leave_is_refused_before_it_does() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    for value in ["a\r\nX-Evil: 1", "a\0b", "a\nb"] {
        let request = Request { headers: vec![("x-a".to_owned(), value.to_owned())], ..server.request() };
        let reason = not_sent(transport().send(request).await);
        assert!(!reason.contains("Evil"), "{reason}");
    }
    let request = Request { headers: vec![("x-a".to_owned(), "x".repeat(100_000))], ..server.request() };
    not_sent(transport().send(request).await);
    for url in [
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "http://2130706433/",
        "http://example.com/",
        "https://user:password@example.com/",
        "file:///etc/passwd",
        "x",
    ] {
        not_sent(transport().send(Request { url: url.to_owned(), ..server.request() }).await);
    }
    assert_eq!(server.n_requests(), 0);
}

/// So many MiB of zeros as a gzip file, packed by hand: one zero, and then runs of it in deflate's fixed codes.
fn gzip_of_zeros(mebibytes: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b1, 1); // the last block
    bits.push(0b01, 2); // of fixed codes
    bits.push_code(0x30, 8); // the literal 0
    let runs = mebibytes * 1024 * 1024 / 258;
    for _ in 0..runs {
        bits.push_code(0b1100_0101, 8); // repeat 258 bytes
        bits.push_code(0, 5); // from one byte back
    }
    bits.push_code(0, 7); // the end
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.finish());
    // The checksum is wrong; the cap must end the reading long before it is looked at.
    file.extend_from_slice(&[0; 8]);
    file
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    n_bits: usize,
}

impl Bits {
    /// Values stand lowest bit first.
    fn push(&mut self, value: u32, width: usize) {
        for at in 0..width {
            if self.n_bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("pushed above");
            *last |= ((value >> at & 1) as u8) << (self.n_bits % 8);
            self.n_bits += 1;
        }
    }

    /// Codes stand highest bit first.
    fn push_code(&mut self, code: u32, width: usize) {
        for at in (0..width).rev() {
            self.push(code >> at & 1, 1);
        }
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

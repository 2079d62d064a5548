//! The transport and proxies: none is asked but the one that the connection names.

use sdk::{Class, SettingValue, Settings};

use super::*;

fn settings(entries: &[(&str, &str)]) -> Settings {
    let entry = |(name, value): &(&str, &str)| ((*name).to_owned(), SettingValue::Text((*value).to_owned()));
    Settings(entries.iter().map(entry).collect())
}

#[tokio::test]
async fn a_named_proxy_opens_a_tunnel_and_never_sees_a_credential() {
    let (heads, mut seen) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let n = socket.read(&mut head).await.expect("a head");
            heads.send(String::from_utf8_lossy(&head[..n]).into_owned()).expect("the test listens");
            let _ = socket.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    for proxy in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}/")] {
        let transport = HttpTransport::open(&settings(&[("proxy", &proxy)])).expect("a client");
        let mut request = direct().await.request();
        request.url = "https://api.example.com/secret-path?token=t".to_owned();
        not_sent(transport.send(request).await);
        let head = seen.recv().await.expect("the proxy is asked");
        assert!(head.starts_with("CONNECT api.example.com:443 HTTP/1.1\r\n"), "{head}");
        assert!(!head.contains("Bearer") && !head.contains("secret-path") && !head.contains("token"), "{head}");
    }
}

#[tokio::test]
async fn this_machine_is_reached_without_the_proxy() {
    let proxy = Server::saying("HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n").await;
    let server = direct().await;
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let transport = HttpTransport::open(&settings(&[("proxy", &address)])).expect("a client");
    assert_eq!(transport.send(server.request()).await.expect("an answer").status, 200);
    assert_eq!((server.n_requests(), proxy.n_requests()), (1, 0));
}

#[tokio::test]
async fn behind_a_proxy_the_same_addresses_are_refused() {
    let proxy = Server::saying("HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n").await;
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let transport = HttpTransport::open(&settings(&[("proxy", &address)])).expect("a client");
    for url in ["https://169.254.169.254/", "https://10.0.0.1/", "https://metadata.google.internal/"] {
        let request = Request { url: url.to_owned(), ..proxy.request() };
        assert!(not_sent(transport.send(request).await).contains("is not reached"), "{url}");
    }
    assert_eq!(proxy.n_requests(), 0);
}

#[test]
fn what_is_no_proxy_is_refused_without_showing_its_password() {
    for (proxy, part) in [
        ("http://user:hunter2@proxy.example.com", "password"),
        ("socks5://proxy.example.com", "write it like"),
        ("http://proxy.example.com/path", "write it like"),
        ("proxy.example.com:3128", "write it like"),
        ("", "write it like"),
    ] {
        let Err(error) = HttpTransport::open(&settings(&[("proxy", proxy)])) else { panic!("accepted {proxy}") };
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains(part) && !error.message.contains("hunter2"), "{proxy}: {error}");
    }
}

async fn direct() -> Server {
    Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await
}

//! The one question that `-v` puts through the proxy for plain HTTP: with a real proxy process that answers 502, passes it on,
//! is silent, is not there, or does what no proxy should.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::namespace::simulator::{Ran, Simulator, check, examine};
use crate::namespace::{Case, place};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a proxy for plain HTTP that answers 502", bad_gateway),
        Case::new("a proxy for plain HTTP that passes the question on", passes),
        Case::new("a proxy for plain HTTP that is silent", silent),
        Case::new("a proxy for plain HTTP where nobody listens", dead),
        Case::new("a proxy for plain HTTP that no packet reaches", dropped),
        Case::new("a proxy for plain HTTP whose name is unknown", unknown),
        Case::new("proxies for plain HTTP that do what none should", unruly),
        Case::new("a proxy for plain HTTP by name, with a password", password),
        Case::new("a proxy for plain HTTP that midoctor cannot use", unusable),
        Case::new("a proxy for plain HTTP, and a range in NO_PROXY", range),
    ]
}

/// What a proxy does with a request it has read.
type Behaviour = fn(target: &str, client: &mut TcpStream) -> io::Result<()>;

/// A proxy that remembers the heads of the requests it was sent.
struct Relay {
    heads: Arc<Mutex<Vec<String>>>,
    authority: String,
}

impl Relay {
    fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&heads);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let memory = Arc::clone(&memory);
                // A client that goes away ends its own thread and nothing else.
                std::thread::spawn(move || serve(client, behaviour, &memory));
            }
        });
        Self { heads, authority }
    }

    fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, behaviour: Behaviour, memory: &Mutex<Vec<String>>) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    memory.lock().unwrap().push(head.clone());
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    behaviour(&target, &mut client)
}

/// The program with this proxy for plain HTTP, and what it says of it after the names of the clients.
fn ask(proxy: &str, more: &[(&str, &str)], arguments: &[&str]) -> (Ran, String) {
    let simulator = Simulator::start("healthy", &[]);
    let mut command = check(Some(&simulator.authority()), arguments);
    let ran = examine(command.env("http_proxy", proxy).envs(more.iter().copied()));
    let log = simulator.log();
    assert!(log.contains("GET http://169.254.169.254/metadata/identity/oauth2/token 200"), "{log}");
    let seen = ran.check("environment")["findings"][0]["seen"].as_str().unwrap_or_default().to_owned();
    let said = seen.split_once(" do not.").unwrap_or_else(|| panic!("{seen}")).1.to_owned();
    (ran, said)
}

fn said(behaviour: Behaviour) -> String {
    let relay = Relay::start(behaviour);
    let (ran, said) = ask(&relay.url(), &[], &["--timeout", "2s"]);
    ran.assert_end(1, "unhealthy", "env-proxy");
    assert_eq!(relay.heads().len(), 1, "it is asked once, whatever it answers");
    said
}

fn bad_gateway() {
    let relay = Relay::start(|_, client| {
        let body = "<html>The requested URL could not be retrieved</html>";
        write!(
            client,
            "HTTP/1.1 502 Bad Gateway\r\nServer: squid/5.7\r\nContent-Type: text/html\r\nX-Squid-Error: ERR_CONNECT_FAIL \
             110\r\nContent-Length: {}\r\nVia: 1.1 proxy (squid/5.7)\r\nConnection: keep-alive\r\n\r\n{body}",
            body.len()
        )?;
        // The connection stays open: the length tells the end.
        client.read(&mut [0]).map(|_| ())
    });
    let (ran, said) = ask(&relay.url(), &[], &[]);
    ran.assert_end(1, "unhealthy", "env-proxy");
    assert_eq!(said, " Through it, the metadata service's question got 502 from “squid/5.7”.");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        relay.heads(),
        [format!(
            "GET http://169.254.169.254/metadata/instance?api-version=2019-03-11 HTTP/1.1\r\nHost: \
             169.254.169.254\r\nConnection: close\r\nMetadata: true\r\nUser-Agent: midoctor/{version}\r\nAccept: */*\r\n\r\n"
        )]
    );
    assert!(ran.text.contains("GET /metadata/instance, through the proxy"), "{}", ran.text);
}

/// The request as a proxy on this VM sends it on; what comes back goes in chunks.
fn pass_on(target: &str, client: &mut TcpStream) -> io::Result<()> {
    let path = target.strip_prefix("http://169.254.169.254").expect("an absolute URL");
    let mut server = TcpStream::connect("169.254.169.254:80")?;
    write!(server, "GET {path} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let kept = head.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        !["content-length", "connection", "transfer-encoding"].iter().any(|name| line.starts_with(name))
    });
    let fields: String = kept.map(|line| format!("{line}\r\n")).collect();
    write!(client, "HTTP/1.1 100 Continue\r\n\r\n{fields}Via: 1.1 proxy\r\n")?;
    write!(client, "Transfer-Encoding: chunked\r\n\r\n")?;
    for part in body.as_bytes().chunks(100) {
        write!(client, "{:x};note=x\r\n", part.len())?;
        client.write_all(part)?;
        client.write_all(b"\r\n")?;
    }
    client.write_all(b"0\r\n\r\n")?;
    client.read(&mut [0]).map(|_| ())
}

fn passes() {
    let relay = Relay::start(pass_on);
    let (ran, said) = ask(&relay.url(), &[], &[]);
    ran.assert_end(1, "unhealthy", "env-proxy");
    assert_eq!(said, " Through it came this VM's own document: that works today, and Microsoft does not support it.");
}

fn silent() {
    let said = said(|_, client| client.read(&mut [0]).map(|_| ()));
    assert!(said.starts_with(" Through it, the metadata service's question got no answer in 2."), "{said}");
}

fn dead() {
    let (ran, said) = ask("http://127.0.0.1:3128", &[], &[]);
    ran.assert_end(1, "unhealthy", "env-proxy");
    assert_eq!(
        said,
        " Through it, the metadata service's question was not taken: the connection to the proxy was refused."
    );
}

fn dropped() {
    place::drop_packets_to("203.0.113.7");
    let (_, said) = ask("http://203.0.113.7:3128", &[], &["--timeout", "2s"]);
    assert!(said.starts_with(" Through it, the metadata service's question got no answer in "), "{said}");
}

fn unknown() {
    let (_, said) = ask("http://proxy.contoso.com:3128", &[], &[]);
    assert_eq!(
        said,
        " Through it, the metadata service's question was not taken: the proxy's name could not be resolved."
    );
}

fn unruly() {
    let closes: Behaviour = |_, _| Ok(());
    let cut: Behaviour = |_, client| client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    let got = " Through it, the metadata service's question got";
    for behaviour in [closes, cut] {
        assert_eq!(said(behaviour), format!("{got} no answer: the connection was closed."));
    }
    let endless: Behaviour = |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            client.write_all(&[b'x'; 4096])?;
        }
    };
    assert_eq!(said(endless), format!("{got} 200 from a server that does not say what it is."));
    let chunk: Behaviour = |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nServer: s\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n")?;
        loop {
            client.write_all(&[b'x'; 4096])?;
        }
    };
    assert_eq!(said(chunk), format!("{got} 200 from “s”."));
    let redirect: Behaviour = |_, client| {
        client.write_all(
            b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nServer: s\r\nContent-Length: 0\r\n\r\n",
        )
    };
    assert_eq!(said(redirect), format!("{got} 302 from “s”."));
    let headers: Behaviour = |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            client.write_all(b"X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")?;
        }
    };
    let rubbish: Behaviour = |_, client| client.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
    let interim: Behaviour = |_, client| {
        loop {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    };
    let chunks: Behaviour =
        |_, client| client.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    for behaviour in [headers, rubbish, interim, chunks] {
        let said = said(behaviour);
        assert!(said.starts_with(&format!("{got} no answer: ")), "{said}");
    }
    // One byte now and then: the time counts for the whole.
    let slow: Behaviour = |_, client| {
        loop {
            client.write_all(b"H")?;
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    assert!(said(slow).starts_with(&format!("{got} no answer")));
}

fn password() {
    place::names_lead(&[("proxy.contoso.com", "127.0.0.1"), ("management.azure.com", "127.0.0.1")]);
    let relay = Relay::start(|_, client| {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid\r\nContent-Length: 0\r\n\r\n")
    });
    let port = relay.authority.rsplit_once(':').unwrap().1.to_owned();
    let (ran, said) = ask(&format!("http://user:pass%20word@proxy.contoso.com:{port}"), &[], &[]);
    assert_eq!(said, " Through it, the metadata service's question got 407 from “squid”.");
    let [head] = &relay.heads()[..] else { panic!("one request") };
    // user:pass word
    assert!(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n"), "{head}");
    let report = ran.report.to_string();
    for secret in ["pass%20word", "pass word", "dXNlcjpwYXNzIHdvcmQ="] {
        assert!(!report.contains(secret) && !ran.text.contains(secret), "{secret}");
    }
}

fn unusable() {
    for proxy in ["socks5://127.0.0.1:1080", "https://127.0.0.1:3129", "ftp://x", "http://"] {
        let (_, said) = ask(proxy, &[], &[]);
        assert!(said.starts_with(" Through it, the metadata service's question was not put: "), "{proxy}: {said}");
    }
}

/// The clients that do not understand the range are caught, so what they get is shown, though others would not go there.
fn range() {
    let relay = Relay::start(|_, client| client.write_all(b"HTTP/1.1 503 X\r\nServer: s\r\nContent-Length: 0\r\n\r\n"));
    let (ran, said) = ask(&relay.url(), &[("NO_PROXY", "169.254.0.0/16")], &[]);
    ran.assert_end(0, "degraded", "");
    assert_eq!(
        said,
        " Only some clients understand a range such as 169.254.0.0/16. Through it, the metadata service's question got 503 \
         from “s”."
    );
    assert_eq!(relay.heads().len(), 1);
}

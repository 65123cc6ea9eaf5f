//! The services at their real addresses, in this process: midoctor's own simulator answers, but for what a script takes over.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use midoctor::simulator::{Azure, Reaction, Scenario};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::{Authority, ELSEWHERE, Shown};
use super::line::{End, Line};
use super::question::{MANAGER, VAULT};

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// As the simulator knows it.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn has_token(&self) -> bool {
        self.header("authorization").is_some()
    }
}

/// The answer that a request would get.
#[derive(Clone, Debug)]
pub struct Proper {
    pub url: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Proper {
    /// Status line and headers as they would be, but for those about the length, which are these.
    pub fn head(&self, about_length: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Said\r\n", self.status);
        for (name, value) in &self.headers {
            if !["content-length", "connection"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        format!("{head}{about_length}Connection: close\r\n\r\n").into_bytes()
    }

    /// All of it, with this body.
    pub fn with_body(&self, body: &[u8]) -> Vec<u8> {
        [&self.head(&format!("Content-Length: {}\r\n", body.len())), body].concat()
    }
}

/// Takes a request over: `None` lets it be answered properly.
pub type Script = dyn Fn(&Asked, &Proper, &mut Line) -> Option<io::Result<End>> + Send + Sync;
/// Takes a connection over before anything is read from it, by its number at this listener.
pub type Door = dyn Fn(usize, &mut TcpStream) -> Option<io::Result<()>> + Send + Sync;

/// What listens at an address.
#[derive(Clone)]
pub struct Place {
    /// How URLs begin there.
    pub base: &'static str,
    pub tls: Option<Arc<ServerConfig>>,
    pub door: Option<Arc<Door>>,
}

/// All that listens.
pub struct Places {
    pub metadata: Place,
    pub manager: Place,
    pub data: Place,
    pub retired: Place,
}

/// Where names lead: each service has an address of its own, and what redirects lead to has one that nobody is to come to.
pub const NAMES: [(&str, &str); 3] = [(MANAGER, "127.0.0.1"), (VAULT, "127.0.0.2"), (ELSEWHERE, "127.0.0.4")];

/// Listens where redirects lead, and counts the connections that are made there.
pub fn listen_elsewhere() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    for port in [80, 443, 8080] {
        let (listener, count) = (TcpListener::bind(("127.0.0.4", port)).unwrap(), Arc::clone(&count));
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    count
}

/// The services; they listen until the process ends.
pub struct Server {
    pub authority: PathBuf,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// The VM of this scenario, with a script before it.
    pub fn start(scenario: &str, script: Box<Script>) -> Self {
        Self::start_with(scenario, script, &Authority::new(), |_| {})
    }

    /// The same with this authority, and with what listens changed.
    pub fn start_with(
        scenario: &str,
        script: Box<Script>,
        authority: &Authority,
        change: impl FnOnce(&mut Places),
    ) -> Self {
        let tls = Some(authority.config(Shown::Good));
        let mut places = Places {
            metadata: Place { base: "http://169.254.169.254", tls: None, door: None },
            manager: Place { base: "https://management.azure.com", tls: tls.clone(), door: None },
            data: Place { base: "https://kv-doctor.vault.azure.net", tls, door: None },
            retired: Place { base: "http://localhost:50342", tls: None, door: None },
        };
        change(&mut places);
        let azure = Azure::new(Scenario::parse(Some(scenario), &[]).unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new((azure, script, Arc::clone(&asked)));
        let retired = scenario.contains("retired").then_some(("127.0.0.1:50342", places.retired));
        let others = [
            ("169.254.169.254:80", places.metadata),
            ("127.0.0.1:443", places.manager),
            ("127.0.0.2:443", places.data),
        ];
        for (address, place) in others.into_iter().chain(retired) {
            let listener = TcpListener::bind(address).unwrap();
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
                    let (shared, place) = (Arc::clone(&shared), place.clone());
                    std::thread::spawn(move || {
                        // A client that goes away ends its own thread and nothing else.
                        let _ = converse(number, client, &place, &shared.0, &*shared.1, &shared.2);
                    });
                }
            });
        }
        Self { authority: authority.file(), asked }
    }
}

fn converse(
    number: usize,
    mut client: TcpStream,
    place: &Place,
    azure: &Azure,
    script: &Script,
    memory: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    if let Some(done) = place.door.as_ref().and_then(|door| door(number, &mut client)) {
        return done;
    }
    let mut line = match &place.tls {
        None => Line::Plain(client),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            Line::Tls(Box::new(StreamOwned::new(connection, client)))
        }
    };
    // A connection that asks nothing is one that was only tried.
    let Some(asked) = read(&mut line, place.base)? else { return Ok(()) };
    memory.lock().unwrap().push(asked.clone());
    let now = jiff::Timestamp::now();
    let reaction = azure.answer(&asked.method, &asked.url, &asked.headers, &asked.body, now);
    let Reaction::Answer { status, headers, body, .. } = reaction else {
        panic!("the simulator has no answer to {}", asked.url)
    };
    let proper = Proper { url: asked.url.clone(), status, headers, body };
    let end = match script(&asked, &proper, &mut line) {
        Some(end) => end?,
        None => {
            line.write_all(&proper.with_body(&proper.body))?;
            End::Close
        }
    };
    line.end(&end)
}

/// One request with its body.
fn read(line: &mut Line, base: &str) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut fields);
        if let Ok(httparse::Status::Complete(head)) = parsed.parse(&bytes) {
            let text =
                |field: &httparse::Header| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned());
            let headers: Vec<(String, String)> = parsed.headers.iter().map(text).collect();
            let header = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let length = header("content-length").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if bytes.len() >= head + length {
                let url = format!("{base}{}", parsed.path.unwrap_or("/"));
                let method = parsed.method.unwrap_or_default().to_owned();
                return Ok(Some(Asked { method, url, body: bytes[head..].to_vec(), headers: headers.clone() }));
            }
        }
        match line.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

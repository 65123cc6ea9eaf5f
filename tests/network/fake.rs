//! A server with TLS that does what a service never should, and remembers every byte that it was sent.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it does with a request that it has read; afterwards it closes.
pub type Behaviour = fn(request: &str, client: &mut dyn Write) -> io::Result<()>;

/// What is said on a connection before TLS.
pub type Before = fn(client: &mut TcpStream) -> io::Result<()>;

/// The server. Listens until the process ends.
pub struct Fake {
    /// What clients are to trust.
    pub pem: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Starts it at port 443 of this address, with a certificate for these names.
    pub fn start(address: &str, hosts: &[&str], behaviour: Behaviour) -> Self {
        Self::start_by(address, hosts, behaviour)
    }

    /// The same, with a behaviour that knows something.
    pub fn start_by<B>(address: &str, hosts: &[&str], behaviour: B) -> Self
    where
        B: Fn(&str, &mut dyn Write) -> io::Result<()> + Clone + Send + 'static,
    {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(hosts).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let listener = TcpListener::bind((address, 443)).unwrap();
        Self::listen(listener, config, cert.pem(), |_| Ok(()), behaviour)
    }

    /// The same on any listener, with any certificate, and after whatever comes before TLS.
    pub fn listen<B>(listener: TcpListener, config: ServerConfig, pem: String, before: Before, behaviour: B) -> Self
    where
        B: Fn(&str, &mut dyn Write) -> io::Result<()> + Clone + Send + 'static,
    {
        let config = Arc::new(config);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                let (config, memory, behaviour) = (Arc::clone(&config), Arc::clone(&memory), behaviour.clone());
                // A client that goes away ends its own thread and nothing else.
                std::thread::spawn(move || {
                    before(&mut client).and_then(|()| serve(client, config, &memory, &behaviour))
                });
            }
        });
        Self { pem, heard }
    }

    /// What came on each connection, after TLS; empty where nothing did.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn serve(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    memory: &Mutex<Vec<String>>,
    behaviour: &dyn Fn(&str, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let place = {
        let mut heard = memory.lock().unwrap();
        heard.push(String::new());
        heard.len() - 1
    };
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, socket);
    let mut buffer = [0; 4096];
    let request = loop {
        let count = stream.read(&mut buffer)?;
        let mut heard = memory.lock().unwrap();
        heard[place].push_str(&String::from_utf8_lossy(&buffer[..count]));
        if count == 0 || is_whole(&heard[place]) {
            break heard[place].clone();
        }
    };
    behaviour(&request, &mut stream)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Has the request come with all of its body?
fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    body.len() >= length(head)
}

fn length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut length =
        fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim());
    length.next_back().and_then(|value| value.parse().ok()).unwrap_or_default()
}

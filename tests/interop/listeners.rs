//! Listeners on every address where a client of managed identities could ask for a token: they note each request and refuse it.
//!
//! A refusal is a 400 with a JSON error, after which these clients do not try again. Microsoft Entra ID's discovery is
//! answered, because clients ask it before they show who they are. Nothing is judged here.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::namespace::place;

/// Where a listener is, and what is at it.
const PLACES: [(&str, Place); 9] = [
    ("169.254.169.254:80", Place::Metadata),
    ("127.0.0.1:41999", Place::IdentityEndpoint),
    ("127.0.0.1:41998", Place::MsiEndpoint),
    ("127.0.0.1:50342", Place::Retired),
    ("127.0.0.1:40342", Place::Arc),
    ("127.0.0.1:41997", Place::Pod),
    ("127.0.0.1:41996", Place::Msal),
    ("127.0.0.1:443", Place::Entra),
    ("127.0.0.1:3128", Place::Proxy),
];
/// Microsoft Entra ID's names.
const ENTRA: [&str; 3] = ["login.microsoftonline.com", "login.microsoftonline.us", "login.microsoft.com"];

/// Who a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Metadata,
    IdentityEndpoint,
    MsiEndpoint,
    Retired,
    Arc,
    /// What `AZURE_POD_IDENTITY_AUTHORITY_HOST` names.
    Pod,
    /// What `MSAL_MANAGED_IDENTITY_ENDPOINT` names.
    Msal,
    Entra,
    Proxy,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub place: Place,
    pub tls: bool,
    pub method: String,
    /// As it stood in the first line.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The query and the form.
    pub fields: BTreeMap<String, String>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Scheme, host and path, as the client meant them.
    pub fn address(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let path = self.target.split('?').next().unwrap_or_default().trim_end_matches('/');
        format!("{scheme}://{}{path}", self.header("host").unwrap_or_default())
    }
}

/// All listeners, and what they noted.
pub struct Listeners {
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The authority that signed their certificate.
    pub authority: PathBuf,
    /// SHA-1 of their certificate, as Service Fabric names it.
    pub thumbprint: String,
}

impl Listeners {
    /// Starts them, and leads Microsoft Entra ID's names to them.
    pub fn start() -> Self {
        place::names_lead_to_loopback(&ENTRA);
        let (config, authority_pem, thumbprint) = certificate();
        let authority = std::env::temp_dir().join("listeners.pem");
        std::fs::write(&authority, authority_pem).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        for (address, place) in PLACES {
            let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
            let (config, asked) = (Arc::clone(&config), Arc::clone(&asked));
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let (config, asked) = (Arc::clone(&config), Arc::clone(&asked));
                    // A client that hangs up in the middle is no matter.
                    std::thread::spawn(move || attend(stream, config, place, &asked));
                }
            });
        }
        Self { asked, authority, thumbprint }
    }

    /// What was asked since the last time.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// One certificate for all names, from an authority of its own.
fn certificate() -> (Arc<ServerConfig>, String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(rcgen::DnType::CommonName, "midoctor interop CA");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<String> = ENTRA.iter().chain(&["127.0.0.1", "localhost"]).map(ToString::to_string).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, leaf.der());
    let thumbprint = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    (Arc::new(config), authority.pem(), thumbprint)
}

/// One connection: TLS when the client begins with it.
fn attend(mut stream: TcpStream, config: Arc<ServerConfig>, place: Place, asked: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut first = [0];
    if stream.peek(&mut first).ok()? == 0 {
        return None;
    }
    if first[0] == 0x16 {
        let mut stream = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
        answer(&mut stream, true, place, asked)?;
        stream.conn.send_close_notify();
        stream.flush().ok()
    } else {
        answer(&mut stream, false, place, asked)
    }
}

/// Notes one request, then answers it.
fn answer(stream: &mut (impl Read + Write), tls: bool, place: Place, asked: &Mutex<Vec<Asked>>) -> Option<()> {
    let request = read(stream, tls, place)?;
    let (status, body) = reply(&request);
    asked.lock().unwrap().push(request);
    let head = "Content-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    stream.flush().ok()
}

fn read(stream: &mut impl Read, tls: bool, place: Place) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = || -> Option<String> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let query = target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).chain(url::form_urlencoded::parse(&body));
    let fields = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    Some(Asked { place, tls, method, target, headers, fields })
}

/// What is answered, as little as lets a client show what it would do.
fn reply(request: &Asked) -> (&'static str, String) {
    let host = request.header("host").unwrap_or_default();
    let has = |part: &str| request.target.to_lowercase().contains(part);
    let tenant = request.target.split('/').nth(1).unwrap_or_default();
    let at = format!("https://{host}/{tenant}");
    if request.method == "CONNECT" {
        return ("403 Forbidden", String::new());
    }
    if request.place == Place::Entra && has("/discovery/instance") {
        let metadata = format!(r#"[{{"preferred_network":"{host}","preferred_cache":"{host}","aliases":["{host}"]}}]"#);
        let endpoint = format!("{at}/v2.0/.well-known/openid-configuration");
        return ("200 OK", format!(r#"{{"tenant_discovery_endpoint":"{endpoint}","metadata":{metadata}}}"#));
    }
    if request.place == Place::Entra && has("openid-configuration") {
        let one = |name: &str, path: &str| format!(r#""{name}":"{at}{path}""#);
        let all = [
            one("token_endpoint", "/oauth2/v2.0/token"),
            one("authorization_endpoint", "/oauth2/v2.0/authorize"),
            one("device_authorization_endpoint", "/oauth2/v2.0/devicecode"),
            one("issuer", "/v2.0"),
            one("jwks_uri", "/discovery/v2.0/keys"),
        ];
        return ("200 OK", format!("{{{}}}", all.join(",")));
    }
    if request.place == Place::Entra && has("/userrealm/") {
        let cloud = format!(r#""cloud_instance_name":"{host}","cloud_audience_urn":"urn:federation:MicrosoftOnline""#);
        return ("200 OK", format!(r#"{{"ver":"1.0","account_type":"Managed","domain_name":"example.com",{cloud}}}"#));
    }
    ("400 Bad Request", r#"{"error":"invalid_request","error_description":"refused by a listener"}"#.to_owned())
}

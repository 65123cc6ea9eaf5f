//! What strangers send over a connection: the certificates that a server shows, requests to the simulator, its literal answers.

#![no_main]

use std::io::{self, Read, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use midoctor::simulator::connection::Connection;
use midoctor::simulator::scenario::Literal;
use midoctor::simulator::{Azure, Reaction, Scenario};
use midoctor::wire::trust::Trust;
use midoctor_fuzz::{kind, now};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_native_certs::CertificateResult;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = kind(data) else { return };
    match kind % 3 {
        0 => certificates(rest),
        1 => requests(rest),
        _ => literal(rest),
    }
});

/// A platform that trusts the authority of the seeds, and one that trusts nobody.
static TRUST: LazyLock<[Trust; 2]> = LazyLock::new(|| {
    let mut found = CertificateResult::default();
    found.certs.push(CertificateDer::from_slice(include_bytes!("../authority.der")));
    [Trust::in_roots(Ok(found)), Trust::in_roots(Err("there are none".into()))]
});

/// 2027-01-15, when the seeds' authority is valid.
const VALID: Duration = Duration::from_secs(1_800_000_000);

/// Each certificate stands behind its length, in two bytes.
fn certificates(mut data: &[u8]) {
    let mut all = Vec::new();
    while let [high, low, rest @ ..] = data
        && all.len() < 8
    {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (one, after) = rest.split_at(length);
        all.push(CertificateDer::from_slice(one));
        data = after;
    }
    let Some((leaf, sent)) = all.split_first() else { return };
    let at = UnixTime::since_unix_epoch(VALID);
    let host = "management.azure.com";
    let name = ServerName::try_from(host).unwrap();
    for trust in TRUST.iter() {
        let (verifier, shown) = trust.verifier();
        let verified = verifier.verify_server_cert(leaf, sent, &name, &[], at);
        assert!(shown.was_by(host));
        let kept = shown.take().expect("what was shown is kept");
        assert_eq!(kept.refused.is_none(), verified.is_ok(), "{kept:?}");
        assert!(kept.trusted_by.is_some() && kept.chain.len() <= 5, "{kept:?}");
        assert!(shown.take().is_none());
    }
}

/// A client that sends its bytes in pieces.
struct Client<'a> {
    sends: std::slice::Chunks<'a, u8>,
    got: Vec<u8>,
}

impl Read for Client<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.sends.next().unwrap_or_default();
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

impl Write for Client<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.got.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static AZURE: LazyLock<Azure> = LazyLock::new(|| {
    let toml = "[[data]]\nhost = \"kv-doctor.vault.azure.net\"\n[[data]]\nhost = \"crdoctor.azurecr.io\"\n[[data]]\nhost = \
                \"stdoctor.blob.core.windows.net\"\n";
    Azure::new(Scenario::parse(Some(toml), &[]).unwrap())
});

fn requests(bytes: &[u8]) {
    let whole = conversation(bytes, 8 * 1024);
    assert_eq!(conversation(bytes, 7), whole, "in pieces");
}

/// What is answered to all of it, as `server` does it without its sockets.
fn conversation(bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut client = Client { sends: bytes.chunks(piece), got: Vec::new() };
    let mut connection = Connection::new(&mut client);
    let mut served = 0;
    while let Ok(Some(asked)) = match connection.receive().unwrap() {
        Ok(asked) => Ok(asked),
        Err((status, reason)) => connection.refuse(status, reason).map_or(Ok(None), |()| Err(())),
    } {
        served += 1;
        assert!(served <= bytes.len() / 16, "{served} requests in {} bytes", bytes.len());
        let host =
            asked.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, host)| host.as_str());
        let url = match host {
            Some("169.254.169.254") | None => format!("http://169.254.169.254{}", asked.target),
            Some(host) => format!("https://{host}{}", asked.target),
        };
        let Reaction::Answer { status, reason, headers, body } =
            AZURE.answer(&asked.method, &url, &asked.headers, &asked.body, now())
        else {
            break;
        };
        let split = |text: &str| text.contains(['\r', '\n', '\0']);
        assert!((200..600).contains(&status) && !split(&reason), "{status} {reason}");
        assert!(headers.iter().all(|(name, value)| !split(name) && !split(value)), "{headers:?}");
        connection.answer(status, &reason, &headers, &body, asked.keep).unwrap();
        if !asked.keep {
            break;
        }
    }
    drop(connection);
    client.got
}

fn literal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(literal) = Literal::parse(text) {
        let literal = Arc::new(literal);
        assert!(literal.answers(literal.method.as_deref().unwrap_or("GET"), &asks(&literal)), "{literal:?}");
        assert!(literal.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])), "{literal:?}");
    }
}

/// A request that it is for.
fn asks(literal: &Literal) -> String {
    let mut query = String::new();
    for (name, value) in &literal.query {
        query.extend(url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish().chars());
        query.push('&');
    }
    format!("{}?{query}", literal.url)
}

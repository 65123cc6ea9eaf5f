//! HTTP by ureq, with its defaults turned round in this one place: no status is an error, no redirect is followed, no
//! proxy is used unless the question says so, and everything has a time-out and a size limit.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Timeout, http};
use zeroize::Zeroizing;

use super::bounds::{Bounds, Room};
use super::names::Names;
use super::proxy::{self, Variables};
use super::tls::TlsConnector;
use super::trust::{Shown, Trust};
use super::{connect_limit, failure_of, relay};
use crate::evidence::{BODY_LIMIT, CUT_LIMIT, Failed, Failure, HttpRequest, LIST_LIMIT, Outcome, Raw, Route};
use crate::request::Carry;
use crate::token::{Secret, Token};

/// All headers together may have so many bytes.
const HEADER_LIMIT: usize = 64 * 1024;
/// So much room is made for a body that does not say how long it is; a token answer has less than half of it.
const UNTOLD: usize = 16 * 1024;

/// Puts one HTTP request, once.
pub fn put<'t>(
    request: &HttpRequest,
    bearer: Option<&Token>,
    within: Duration,
    room: &Room,
    variables: impl FnOnce() -> &'t Variables,
    trust: impl FnOnce() -> &'t Trust,
) -> Raw {
    let failed = |why, detail: &str| Raw::Plain(Outcome::failed(why, detail));
    let until = Instant::now() + within;
    let Ok(url) = url::Url::parse(&request.url) else { return failed(Failure::Unsupported, "the URL cannot be read") };
    let host = url.host_str().unwrap_or_default();
    if bearer.is_some() && url.scheme() != "https" {
        return failed(Failure::Unsupported, "a token is not sent without TLS");
    }
    let proxy = match (request.route, url.scheme()) {
        (Route::AsClients, "https") => match proxy::for_https(host, variables()) {
            Ok(proxy) => proxy,
            Err(why) => return failed(Failure::Unsupported, &why),
        },
        (Route::HttpProxy, _) => return by_relay(request, bearer, within, variables()),
        _ => None,
    };
    // Without user and password.
    let through = proxy.as_ref().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .user_agent(concat!("midoctor/", env!("CARGO_PKG_VERSION")))
        .max_response_header_size(HEADER_LIMIT)
        .timeout_global(Some(within))
        // Less than the whole, or a connection that never came about would pass for an answer that never came.
        .timeout_connect(Some(connect_limit(host, within).min(within * 9 / 10)))
        .max_idle_connections(0)
        .build();
    let limit = if request.route == Route::Direct { BODY_LIMIT } else { LIST_LIMIT };
    // Twice the body leaves enough for headers, chunks and TLS, and an end to what comes beside a body.
    let bounds = Bounds { until, bytes: 2 * limit + BODY_LIMIT };
    let (agent, shown) = match agent(config, url.scheme(), bounds, trust) {
        Ok(parts) => parts,
        Err(why) => return failed(Failure::TlsFailed, &why),
    };
    let form = bearer.filter(|_| request.carry == Carry::RegistryForm).map(|token| registry_form(host, token));
    let mut call = http::Request::builder().method(if form.is_some() { "POST" } else { "GET" }).uri(&request.url);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let header = match (bearer, request.carry) {
        (Some(token), Carry::Bearer) => Some(sensitive(&bearer_header(token))),
        (Some(token), Carry::Cosmos) => Some(sensitive(&cosmos_header(token))),
        (Some(_), Carry::RegistryForm) => {
            call = call.header("Content-Type", "application/x-www-form-urlencoded");
            None
        }
        (None, _) => None,
    };
    call = match header {
        Some(Ok(value)) => call.header("Authorization", value),
        Some(Err(error)) => return failed(Failure::Other, &error.to_string()),
        None => call,
    };
    let sent = match call.body(form.as_ref().map(|form| form.as_bytes()).unwrap_or_default()) {
        Ok(call) => agent.run(call),
        Err(error) => return failed(Failure::Other, &error.to_string()),
    };
    match sent {
        Ok(response) => read(response, &shown, limit, room),
        Err(error) => Raw::Plain(Outcome::Failed(blame(explain(&error, &shown), &shown, through.as_deref(), host))),
    }
}

/// To the proxy for plain HTTP goes the question for the VM's own document alone, and never a token. The recorder refuses
/// others already.
fn by_relay(request: &HttpRequest, bearer: Option<&Token>, within: Duration, variables: &Variables) -> Raw {
    if bearer.is_some() || request.bearer.is_some() || request.method != "GET" || request.is_about_an_identity() {
        return Raw::Plain(Outcome::failed(Failure::Unsupported, "this question is not put through a proxy"));
    }
    match proxy::for_plain_http(variables) {
        Ok(proxy) => relay::put(request, &proxy, within),
        Err(why) => Raw::Plain(Outcome::failed(Failure::Unsupported, why)),
    }
}

/// A header's value that nothing shows. It is a copy that ureq and rustls copy on, and that nobody overwrites any more; what it was
/// made of is.
fn sensitive(text: &str) -> Result<http::HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = http::HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A text with room for a token in any encoding, so that it never grows and leaves no copy behind.
fn roomy(token: &Token, more: usize) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(3 * token.expose().len() + more))
}

/// A token as most services want it.
fn bearer_header(token: &Token) -> Zeroizing<String> {
    let mut text = roomy(token, 16);
    text.push_str("Bearer ");
    text.push_str(token.expose());
    text
}

/// A token as Cosmos DB wants it (documented, and what its client libraries send).
fn cosmos_header(token: &Token) -> Zeroizing<String> {
    let mut text = roomy(token, 64);
    for part in ["type=aad&ver=1.0&sig=", token.expose()] {
        text.extend(url::form_urlencoded::byte_serialize(part.as_bytes()));
    }
    text
}

/// The form that a container registry exchanges a token for one of its own with (documented).
fn registry_form(host: &str, token: &Token) -> Zeroizing<String> {
    let mut text = roomy(token, 3 * host.len() + 64);
    let mut form = url::form_urlencoded::Serializer::new(std::mem::take(&mut *text));
    form.append_pair("grant_type", "access_token").append_pair("service", host);
    Zeroizing::new(form.append_pair("access_token", token.expose()).finish())
}

/// What fails on the way to a proxy, or in its certificate, is the proxy's fault and not the host's behind it. When the
/// host itself showed its certificate, the proxy had done its part.
fn blame(failed: Failed, shown: &Shown, through: Option<&str>, host: &str) -> Failed {
    let Some(proxy) = through.filter(|_| !shown.was_by(host)) else { return failed };
    let detail = match failed.why {
        Failure::ProxyFailed => format!("the proxy {proxy} did not let the request through: {}", failed.detail),
        Failure::NameUnknown => format!("the name of the proxy {proxy} could not be resolved"),
        Failure::Refused => format!("the proxy {proxy} refused the connection"),
        Failure::Closed => format!("the proxy {proxy} closed the connection"),
        Failure::ConnectTimeout | Failure::AnswerTimeout => format!("the proxy {proxy} did not answer in time"),
        Failure::Unroutable => format!("there is no route to the proxy {proxy}"),
        Failure::CertificateRefused => {
            format!("the certificate of the proxy {proxy} cannot be trusted: {}", failed.detail)
        }
        _ => format!("the proxy {proxy} failed: {}", failed.detail),
    };
    Failed { why: Failure::ProxyFailed, detail, certificate: failed.certificate }
}

fn agent<'t>(
    config: Config,
    scheme: &str,
    bounds: Bounds,
    trust: impl FnOnce() -> &'t Trust,
) -> Result<(Agent, Shown), String> {
    if scheme != "https" {
        return Ok((
            Agent::with_parts(config, ().chain(TcpConnector::default()).chain(bounds), Names),
            Shown::default(),
        ));
    }
    let (verifier, shown) = trust().verifier();
    let tls = TlsConnector::new(verifier)?;
    let tcp = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
    let chain = tcp.chain(bounds).chain(tls);
    Ok((Agent::with_parts(config, chain, Names), shown))
}

fn read(mut response: http::Response<ureq::Body>, shown: &Shown, limit: usize, room: &Room) -> Raw {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    // Without that much room it would grow and leave copies behind.
    let told = response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    match read_body(&mut response.body_mut().as_reader(), told, limit, room) {
        Ok((body, cut)) => Raw::Http { status, headers, body, cut, certificate: shown.take() },
        Err(error) => {
            let error = match error.downcast::<ureq::Error>() {
                Ok(inner) => inner,
                Err(error) => ureq::Error::Io(error),
            };
            Raw::Plain(Outcome::Failed(explain(&error, shown)))
        }
    }
}

/// The body, and whether it was longer than it may be: then only its beginning is kept. What
/// lies beyond that takes its bytes from the room of all.
fn read_body(reader: &mut dyn Read, told: Option<usize>, limit: usize, room: &Room) -> std::io::Result<(Secret, bool)> {
    const STEP: usize = CUT_LIMIT;
    let mut body = Zeroizing::new(Vec::with_capacity(told.unwrap_or(UNTOLD).min(STEP) + 1));
    let mut taken = 0;
    let ended = loop {
        if !body.is_empty() {
            if body.len() > limit || !room.take(STEP) {
                break Ok(false);
            }
            taken += STEP;
        }
        match reader.take(STEP as u64).read_to_end(&mut body) {
            Ok(0) => break Ok(true),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    if let Ok(false) = ended {
        body.truncate(CUT_LIMIT);
        body.shrink_to_fit();
    }
    let kept = if ended.is_ok() { body.len().saturating_sub(STEP) } else { 0 };
    room.give_back(taken.saturating_sub(kept));
    ended.map(|whole| (Secret::new(std::mem::take(&mut *body)), !whole))
}

/// What ureq's error means for the question.
fn explain(error: &ureq::Error, shown: &Shown) -> Failed {
    let certificate = shown.take();
    let why = match error {
        ureq::Error::Timeout(Timeout::Connect) => Failure::ConnectTimeout,
        ureq::Error::Timeout(Timeout::Resolve) => Failure::NameUnknown,
        ureq::Error::Timeout(_) => Failure::AnswerTimeout,
        ureq::Error::HostNotFound => Failure::NameUnknown,
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => Failure::ProxyFailed,
        ureq::Error::LargeResponseHeader(..) | ureq::Error::BodyExceedsLimit(_) => Failure::TooLarge,
        ureq::Error::Rustls(inner) => tls_failure(inner),
        ureq::Error::Tls(_) => Failure::TlsFailed,
        ureq::Error::Protocol(_) | ureq::Error::BodyStalled => Failure::NotHttp,
        ureq::Error::Io(io) => match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => tls_failure(inner),
            None => failure_of(io),
        },
        _ => Failure::Other,
    };
    let refused = certificate.as_ref().and_then(|shown| shown.refused.clone());
    let detail = match (why, refused) {
        (Failure::CertificateRefused, Some(refused)) => refused,
        (Failure::TooLarge, _) => "it sent more than any answer holds".into(),
        (Failure::NotHttp, _) => format!("what it sent is not HTTP ({error})"),
        _ => error.to_string(),
    };
    Failed { why, detail, certificate }
}

fn tls_failure(error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(_) => Failure::CertificateRefused,
        _ => Failure::TlsFailed,
    }
}

//! Goes through a report place by place and replaces the names in each, by what the place holds. Run once to meet all names, and
//! again to replace them.

use serde_json::{Map, Value};

use crate::request::Request;
use crate::seal::SEAL;
use crate::strings::{self, escaped};

use super::body::{self, Document};
use super::names::{Kind, Names};
use super::record::Record;
use super::{address, certificate, host, local, text};

/// Replaces the names in a report that was made into JSON.
pub fn redact(json: &mut Value, names: &mut Names, record: &mut Record) {
    let mut evidence = json.get_mut("evidence").map(Value::take).unwrap_or_default();
    let mut walk = Walk { names, record };
    if let Some(asked) = evidence.get_mut("asked") {
        walk.each(asked, "/evidence/asked", &mut of_plan);
    }
    for (index, exchange) in
        evidence.get_mut("exchanges").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
    {
        walk.exchange(exchange, &format!("/evidence/exchanges/{index}"));
    }
    walk.each(json, "", &mut of_words);
    if let Some(kept) = json.get_mut("evidence") {
        *kept = evidence;
    }
}

/// What stands for a text at a place; the place begins where the walk began.
type Change<'a> = dyn FnMut(&str, &str, &mut Names) -> String + 'a;

struct Walk<'a> {
    names: &'a mut Names,
    record: &'a mut Record,
}

impl Walk<'_> {
    /// Every text of a value.
    fn each(&mut self, json: &mut Value, base: &str, change: &mut Change) {
        strings::each(json, &mut |place, text| {
            let changed = change(place, text, self.names);
            let all = format!("{base}{place}");
            if changed.contains("(removed)") && !text.contains("(removed)") {
                self.record.add(&all, "content", "text", text.chars().count());
            }
            for (kind, characters) in self.names.replaced() {
                self.record.add(&all, "name", kind.word(), characters);
            }
            changed
        });
    }

    fn exchange(&mut self, exchange: &mut Value, base: &str) {
        let Ok(request) = serde_json::from_value::<Request>(exchange.get("request").cloned().unwrap_or_default())
        else {
            return;
        };
        if let Some(asked) = exchange.get_mut("request") {
            self.each(asked, &format!("{base}/request"), &mut of_request);
        }
        for (index, attempt) in
            exchange.get_mut("attempts").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
        {
            let Some(outcome) = attempt.get_mut("outcome").and_then(Value::as_object_mut) else { continue };
            self.outcome(&request, outcome, &format!("{base}/attempts/{index}/outcome"));
        }
    }

    fn outcome(&mut self, request: &Request, outcome: &mut Map<String, Value>, base: &str) {
        let document = Document::of(request);
        for (key, value) in outcome {
            let base = format!("{base}/{}", escaped(key));
            match key.as_str() {
                "result" | "why" | "status" => {}
                "certificate" => {
                    if let Value::Object(shown) = value {
                        certificate::redact(shown, self.names);
                    }
                    for (kind, characters) in self.names.replaced() {
                        self.record.add(&base, "name", kind.word(), characters);
                    }
                }
                "body" => self.each(value, &base, &mut |_, text, names| body::of_answer(document, text, names)),
                "headers" => self.each(value, &base, &mut of_header),
                "text" => self.each(value, &base, &mut |_, text, names| of_file(request, text, names)),
                "addresses" => self.each(value, &base, &mut |_, text, names| {
                    address::replaced(text, names).unwrap_or_else(|| text::replaced(text, names))
                }),
                "set" => self.each(value, &base, &mut of_variable),
                "unit" => {
                    for (part, value) in value.as_object_mut().into_iter().flatten() {
                        let base = format!("{base}/{}", escaped(part));
                        let change: &mut Change = match part.as_str() {
                            "declared" => &mut of_variable,
                            "from" => &mut |_, text, names| local::place(text, names),
                            _ => &mut of_any,
                        };
                        self.each(value, &base, change);
                    }
                }
                "rules" | "unfollowed" => self.each(value, &base, &mut of_filter),
                "way" | "interfaces" | "routes" => self.each(value, &base, &mut of_network),
                _ => self.each(value, &base, &mut of_any),
            }
        }
    }
}

/// The packet filter's.
fn of_filter(place: &str, text: &str, names: &mut Names) -> String {
    if place.ends_with("/effect") { text.to_owned() } else { local::rule(text, names) }
}

/// Interfaces and routes.
fn of_network(place: &str, text: &str, names: &mut Names) -> String {
    match place.rsplit('/').next() {
        Some("name" | "interface") => local::interface(text, names),
        Some("kind" | "origin") => text.to_owned(),
        _ => text::replaced(text, names),
    }
}

fn of_any(_: &str, text: &str, names: &mut Names) -> String {
    text::replaced(text, names)
}

/// What was asked for.
fn of_plan(place: &str, text: &str, names: &mut Names) -> String {
    match place.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["environment", "unit"] => unit(text, names),
        ["trusted_hosts", _] | ["arm_endpoint"] => host::replaced(text, names),
        ["ignores", _, "reason"] => names.name(Kind::Text, text),
        // Words of midoctor's own.
        ["ignores" | "only" | "skip" | "fail_on", ..] | ["resources", _, "alias"] | ["environment"] => text.to_owned(),
        ["identities", _] | ["probes", _, "resource", "alias"] => text.to_owned(),
        ["requirements", _, "what", "action" | "data-action"] => text.to_owned(),
        _ => text::replaced(text, names),
    }
}

fn of_request(place: &str, text: &str, names: &mut Names) -> String {
    match place {
        "/host" => host::replaced(text, names),
        "/of/unit" => unit(text, names),
        // Files are asked for by names that are midoctor's own.
        "/ask" | "/method" | "/carry" | "/route" | "/of" | "/path" => text.to_owned(),
        _ => text::replaced(text, names),
    }
}

/// `web.service`, or a Windows service.
fn unit(text: &str, names: &mut Names) -> String {
    match text.rsplit_once('.') {
        Some((stem, kind)) => format!("{}.{kind}", names.name(Kind::Unit, stem)),
        None => names.name(Kind::Unit, text),
    }
}

fn of_header(place: &str, text: &str, names: &mut Names) -> String {
    match place {
        "/content-type" | "/content-length" | "/date" | "/retry-after" | "/x-ms-substatus" | "/metadata-flavor" => {
            text.to_owned()
        }
        "/server" => server(text, names),
        "/via" => via(text, names),
        "/www-authenticate" | "/proxy-authenticate" => challenge(text, names),
        _ => text::replaced(text, names),
    }
}

/// What a server calls itself: products keep their names, since they tell whose answer it is.
fn server(text: &str, names: &mut Names) -> String {
    const PRODUCTS: [&str; 21] = [
        "IMDS/",
        "Microsoft-",
        "Metadata Server for VM",
        "EC2ws",
        "Windows-Azure-",
        "nginx",
        "openresty",
        "Apache",
        "squid",
        "Squid",
        "Kestrel",
        "envoy",
        "gunicorn",
        "Werkzeug",
        "cloudflare",
        "AkamaiGHost",
        "awselb",
        "Varnish",
        "BigIP",
        "Zscaler",
        "BaseHTTP/",
    ];
    let is_product = PRODUCTS.iter().any(|known| text.starts_with(known));
    let is_short = text.split_whitespace().count() <= 2 || text.starts_with("Metadata Server");
    match (is_product, is_short) {
        (true, true) => text.to_owned(),
        (true, false) => text::replaced(text, names),
        (false, _) => names.name(Kind::Server, text),
    }
}

/// What a server asks for: in a realm, which is words for people, a gateway names its owner (RFC 9110, section 11.5).
fn challenge(text: &str, names: &mut Names) -> String {
    let known = text::replaced(text, names);
    let lower = known.to_ascii_lowercase();
    let Some(start) = lower.find("realm=\"").map(|at| at + 7) else { return known };
    let Some(realm) = known.get(start..).and_then(|rest| rest.split('"').next()) else { return known };
    // Azure's services name a URL there, or nothing.
    if realm.is_empty() || realm.contains("://") {
        return known;
    }
    let stands = names.name(Kind::Text, realm);
    format!("{}{stands}{}", &known[..start], &known[start + realm.len()..])
}

/// `1.1 proxy.contoso.com (squid/5.7)`: the second word is a host or another name of the proxy (RFC 9110, section 7.6.3).
fn via(text: &str, names: &mut Names) -> String {
    let hops = text.split(',').map(|hop| {
        let mut words: Vec<String> = hop.split(' ').map(str::to_owned).collect();
        let mut said = words.iter_mut().filter(|word| !word.is_empty());
        if let Some(by) = said.nth(1) {
            *by = host::replaced_in_proxy(by, names);
        }
        let hop = words.join(" ");
        // What stands in brackets is the proxy's software, or what it calls itself instead.
        match hop.split_once('(').and_then(|(before, rest)| Some((before, rest.rsplit_once(')')?))) {
            Some((before, (comment, after))) => format!("{before}({}){after}", server(comment, names)),
            None => hop,
        }
    });
    hops.collect::<Vec<_>>().join(",")
}

/// A variable of the environment, by its name.
fn of_variable(place: &str, text: &str, names: &mut Names) -> String {
    let name = place.trim_start_matches('/').to_ascii_uppercase();
    match name.as_str() {
        _ if text == "(set)" || text == SEAL => text.to_owned(),
        "NO_PROXY" => exceptions(text, names),
        "WINHTTP_BYPASS" | "USER_BYPASS" => {
            let one = |entry: &str| if entry == "<local>" { entry.to_owned() } else { exceptions(entry, names) };
            text.split(';').map(one).collect::<Vec<_>>().join(";")
        }
        "SSL_CERT_FILE"
        | "SSL_CERT_DIR"
        | "REQUESTS_CA_BUNDLE"
        | "CURL_CA_BUNDLE"
        | "NODE_EXTRA_CA_CERTS"
        | "AZURE_CERTIFICATE_PATH"
        | "AZURE_CLIENT_CERTIFICATE_PATH"
        | "AZURE_FEDERATED_TOKEN_FILE" => local::path(text, names),
        "APPSETTING_WEBSITE_SITE_NAME" => names.name(Kind::Resource, text),
        "AZURE_CLIENT_ID" | "AZURE_TENANT_ID" | "DEFAULT_IDENTITY_CLIENT_ID" => own(text, names),
        "AZURESERVICESAUTHCONNECTIONSTRING" => {
            let part = |part: &str| match part.split_once('=') {
                Some((key, value)) if !key.trim().eq_ignore_ascii_case("RunAs") => {
                    format!("{key}={}", own(value, names))
                }
                Some(_) => part.to_owned(),
                None => own(part, names),
            };
            text.split(';').map(part).collect::<Vec<_>>().join(";")
        }
        // Only that it is set counts.
        "ACC_CLOUD" if text != "PROD" => names.name(Kind::Text, text),
        "MSI_ENDPOINT" | "IDENTITY_ENDPOINT" | "IMDS_ENDPOINT" | "AZURE_AUTHORITY_HOST"
            if !text.contains("://") && !text.contains(char::is_whitespace) =>
        {
            host::replaced_in_proxy(text, names)
        }
        "AZURE_USERNAME" if !text.contains('@') => text::person(text, names),
        "KUBERNETES_SERVICE_HOST" => host::replaced(text, names),
        _ if name.ends_with("_PROXY") => host::replaced_in_proxy(text, names),
        _ => text::replaced(text, names),
    }
}

/// An ID or a domain, or whatever somebody put in its place.
fn own(text: &str, names: &mut Names) -> String {
    let known = text::replaced(text, names);
    if known != text || text.is_empty() || text::guid(text, names).is_some() {
        return known;
    }
    if text.contains('.') { host::replaced(text, names) } else { names.name(Kind::Text, text) }
}

/// The hosts, domains, addresses and networks that no proxy is asked for.
fn exceptions(text: &str, names: &mut Names) -> String {
    let mut done = String::with_capacity(text.len());
    for entry in text.split_inclusive([',', ' ', '\t']) {
        let bare = entry.trim_end_matches([',', ' ', '\t']);
        let stands = match address::replaced(bare, names) {
            Some(stands) => stands,
            None if bare.chars().all(|c| c == '*' || c == '.') => bare.to_owned(),
            // A part of an address, as some write ranges.
            None if bare.chars().all(|c| c.is_ascii_digit() || "./*".contains(c)) => bare.to_owned(),
            None => host::replaced_in_proxy(bare, names),
        };
        done.push_str(&stands);
        done.push_str(&entry[bare.len()..]);
    }
    done
}

/// A file's text, by which file it is.
fn of_file(request: &Request, text: &str, names: &mut Names) -> String {
    let path = match request {
        Request::File { path } => path,
        Request::Firmware { .. } => return text.to_owned(),
        _ => return text::replaced(text, names),
    };
    match path.as_str() {
        // What the machine's maker writes there.
        _ if path.starts_with("/sys/class/dmi/") || path == "/proc/sys/kernel/osrelease" => text.to_owned(),
        "/etc/hostname" => text.split('\n').map(|line| host::replaced(line, names)).collect::<Vec<_>>().join("\n"),
        _ if path.ends_with("/serviceaccount/namespace") => names.name(Kind::Resource, text),
        "/run/.containerenv" => {
            let line = |line: &str| match line.split_once('=') {
                Some((key, value)) if !matches!(key, "engine" | "rootless" | "graphRootMounted") => {
                    let bare = value.trim_matches('"');
                    format!("{key}={}", value.replace(bare, &names.name(Kind::Resource, bare)))
                }
                _ => line.to_owned(),
            };
            text.split('\n').map(line).collect::<Vec<_>>().join("\n")
        }
        _ => body::without_names(Document::Other, text, names),
    }
}

/// What is outside of the evidence: where it cannot be made anew, as in a report of another version.
fn of_words(place: &str, text: &str, names: &mut Names) -> String {
    let parts: Vec<&str> = place.split('/').skip(1).collect();
    match parts[..] {
        ["schema" | "verdict" | "root_cause"] | ["tool", ..] | ["vm", "location" | "cloud" | "image"] => {
            text.to_owned()
        }
        // A number of midoctor's own, by which two can speak of the same run.
        ["run", "id"] if uuid::Uuid::parse_str(text).is_ok_and(|id| id.get_version_num() == 4) => text.to_owned(),
        ["run", "started" | "waiting", ..] => text.to_owned(),
        ["vm", "name"] => names.name(Kind::Vm, text),
        ["vm", "resource_group"] => names.name(Kind::Group, text),
        ["identities", _, "kind"] => text.to_owned(),
        ["checks", _, "id" | "stage" | "status" | "blocked_by"] => text.to_owned(),
        ["checks", _, "findings", _, "code" | "severity" | "heals" | "docs", ..] => text.to_owned(),
        ["checks", _, "findings", _, "remedy", "commands", _, "shell" | "where"] => text.to_owned(),
        ["checks", _, "findings", _, "ignored", "reason"] if !text.starts_with("--") => names.name(Kind::Text, text),
        _ => text::replaced(text, names),
    }
}

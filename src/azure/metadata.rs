//! Reading what 169.254.169.254 answers: is it Azure's metadata service, who else could it be, what does it say.
//!
//! Sources: recorded `Server` headers (`IMDS/…`), the two error dialects (instance and identity category), and the answers of
//! other clouds, proxies and agents as their own sources and public recordings show them.

use serde_json::Value;

use crate::evidence::Answer;

/// `/metadata/instance` with the oldest api-version that tells both azEnvironment and resourceId. A newer one would also
/// return user data, which people put secrets in.
pub const INSTANCE: &str = "/metadata/instance?api-version=2019-03-11";
/// The tenant of the system-assigned identity.
pub const INFO: &str = "/metadata/identity/info?api-version=2018-02-01";

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Responder {
    /// Azure's metadata service.
    Azure,
    /// Azure's host while the metadata service restarts: a 500 in plain text by IIS (read in MSAL.NET's documents).
    AzureRestarting,
    /// The guest proxy agent of the Metadata Security Protocol, refusing this process.
    GuestProxyAgent,
    /// A proxy or gateway, with what it calls itself.
    Proxy(String),
    /// Docker Desktop's network proxy on a developer's machine.
    DockerDesktop,
    /// AAD Pod Identity's NMI on a Kubernetes node.
    PodIdentity,
    /// Another cloud's metadata service.
    OtherCloud(&'static str),
    /// Something else.
    Stranger(String),
}

impl Responder {
    /// Who it is, for a sentence.
    pub fn in_words(&self) -> String {
        match self {
            Self::Azure => "Azure's metadata service".into(),
            Self::AzureRestarting => "Azure's host, while its metadata service restarts".into(),
            Self::GuestProxyAgent => "the guest proxy agent".into(),
            Self::Proxy(name) if name.is_empty() => "a proxy or gateway".into(),
            Self::Proxy(name) => format!("a proxy or gateway that calls itself “{name}”"),
            Self::DockerDesktop => "Docker Desktop's network proxy".into(),
            Self::PodIdentity => "AAD Pod Identity's node agent (NMI)".into(),
            Self::OtherCloud(name) => format!("the metadata service of {name}"),
            Self::Stranger(name) if name.is_empty() => "a server that does not say what it is".into(),
            Self::Stranger(name) => format!("a server that calls itself “{name}”"),
        }
    }
}

/// Tells who gave this answer. A status alone proves nothing; a stranger can answer 200.
pub fn responder(answer: &Answer) -> Responder {
    let server = answer.header("server").unwrap_or_default();
    let kind = answer.header("content-type").unwrap_or_default();
    let body = answer.body.trim();
    let html = kind.contains("html") || body.get(..1) == Some("<");
    if server.starts_with("IMDS/") {
        return Responder::Azure;
    }
    if answer.header("metadata-flavor").is_some() || server.starts_with("Metadata Server for VM") {
        return Responder::OtherCloud("Google Cloud");
    }
    if server == "EC2ws" || (html && (body.contains("404 - Not Found") || body.contains("401 - Unauthorized"))) {
        return Responder::OtherCloud("AWS");
    }
    if body.contains("connecting to 169.254.169.254:80: ") {
        return Responder::DockerDesktop;
    }
    if let Some(via) = answer.header("via") {
        return Responder::Proxy(via.to_owned());
    }
    if answer.status == 500 && server.starts_with("Microsoft-IIS/") && kind.starts_with("text/plain") {
        return Responder::AzureRestarting;
    }
    if answer.status == 403 && body.is_empty() && server.is_empty() {
        return Responder::GuestProxyAgent;
    }
    if kind.starts_with("text/plain")
        && (body.contains("NMI") || body.contains("no azure identity found") || body.contains("pod list is empty"))
    {
        return Responder::PodIdentity;
    }
    if is_azure_json(answer) {
        return Responder::Azure;
    }
    if answer.json().is_some_and(|json| json.get("droplet_id").is_some()) {
        return Responder::OtherCloud("DigitalOcean");
    }
    if html || matches!(answer.status, 407 | 502 | 504) || answer.header("x-squid-error").is_some() {
        return Responder::Proxy(server.to_owned());
    }
    Responder::Stranger(server.to_owned())
}

/// The shape of the service's own documents and of its two error dialects, for hosts whose `Server` header was lost.
fn is_azure_json(answer: &Answer) -> bool {
    let Some(json) = answer.json() else { return false };
    let compute = field(&json, "compute").unwrap_or(&json);
    if answer.status == 200 {
        return field(compute, "vmId").is_some_and(Value::is_string)
            || answer.token.is_some()
            || field(&json, "tenantId").is_some_and(Value::is_string);
    }
    match field(&json, "error") {
        Some(Value::String(error)) => {
            field(&json, "error_description").is_some()
                || error.eq_ignore_ascii_case("not found")
                || error.contains("metadata header")
                || error.contains("api-version")
        }
        _ => false,
    }
}

/// Looks a key up without regard to case: Microsoft's own samples differ in it.
pub fn field<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    json.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What the metadata service says of the VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// The VM's name.
    pub name: Option<String>,
    /// Its ARM resource ID.
    pub resource_id: Option<String>,
    /// Its unique ID, the one support asks for.
    pub vm_id: Option<String>,
    /// Its region.
    pub location: Option<String>,
    /// Its cloud, as azEnvironment says.
    pub environment: Option<String>,
    /// Its resource group.
    pub resource_group: Option<String>,
    /// Its subscription.
    pub subscription: Option<String>,
    /// The marketplace image that it was made from: `publisher:offer:sku:version`; none for an image of one's own.
    pub image: Option<String>,
}

impl Instance {
    /// Reads `/metadata/instance`. Every value is a text there, and absent values are empty texts.
    pub fn read(answer: &Answer) -> Option<Self> {
        if answer.status != 200 {
            return None;
        }
        let json = answer.json()?;
        let compute = field(&json, "compute")?;
        let text = |name: &str| field(compute, name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self {
            name: text("name"),
            resource_id: text("resourceId"),
            vm_id: text("vmId"),
            location: text("location"),
            environment: text("azEnvironment"),
            resource_group: text("resourceGroupName"),
            subscription: text("subscriptionId"),
            image: image(&["publisher", "offer", "sku", "version"].map(|name| text(name).unwrap_or_default())),
        })
    }
}

/// The name that Azure CLI has for these four.
fn image(parts: &[String; 4]) -> Option<String> {
    let known = parts.iter().take(3).all(|part| !part.is_empty());
    known.then(|| parts.join(":").trim_end_matches(':').to_owned())
}

/// The tenant that `/metadata/identity/info` names: that of the system-assigned identity (recorded).
pub fn tenant(answer: &Answer) -> Option<String> {
    let json = answer.json().filter(|_| answer.status == 200)?;
    let tenant = field(&json, "tenantId")?.as_str()?;
    uuid::Uuid::parse_str(tenant).is_ok().then(|| tenant.to_owned())
}

/// An error of the identity category: `{"error": …, "error_description": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityError {
    /// The HTTP status.
    pub status: u16,
    /// The code: `invalid_request`, `invalid_resource`, ….
    pub error: String,
    /// The sentence. Microsoft may change it at any time, so it is a hint and never the only reason.
    pub description: String,
}

/// What an identity error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no identity, or not the one named: the service says the same for both.
    NotFound,
    /// Several user-assigned identities and none named.
    Ambiguous,
    /// The resource is not known in the tenant.
    Resource,
    /// The request was not well-formed.
    Malformed,
    /// Anything else.
    Other,
}

impl IdentityError {
    /// Reads an error answer; `None` for a success or for a body in another shape.
    pub fn read(answer: &Answer) -> Option<Self> {
        if answer.status < 400 {
            return None;
        }
        let json = answer.json()?;
        let text = |name: &str| field(&json, name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            status: answer.status,
            error: text("error")?,
            description: text("error_description").unwrap_or_default(),
        })
    }

    /// The first line of the description without its full stop, to stand inside a sentence.
    pub fn sentence(&self) -> &str {
        match self.description.lines().next().unwrap_or_default().trim_end_matches('.') {
            "" => "no description",
            line => line,
        }
    }

    /// What it means. The code decides where it can; `invalid_request` covers four cases (all recorded), which only
    /// the sentence tells apart.
    pub fn meaning(&self) -> Refusal {
        let says = |part: &str| self.description.to_ascii_lowercase().contains(part);
        match self.error.as_str() {
            "invalid_resource" => Refusal::Resource,
            _ if says("aadsts500011") || says("aadsts50001:") => Refusal::Resource,
            "identity_not_found" => Refusal::NotFound,
            "bad_request_102" => Refusal::Malformed,
            "invalid_request" if says("identity not found") => Refusal::NotFound,
            "invalid_request" if says("multiple user assigned") => Refusal::Ambiguous,
            "invalid_request" => Refusal::Malformed,
            _ => Refusal::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers: BTreeMap<_, _> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: body.into(), ..Answer::default() }
    }

    #[test]
    fn those_who_answer_at_the_address_are_told_apart() {
        let html = [("content-type", "text/html")];
        for (given, who) in [
            (answer(429, &[("server", "IMDS/150.870.65.1854")], ""), Responder::Azure),
            (
                answer(400, &[], r#"{ "error": "Bad request: . Required metadata header not specified" }"#),
                Responder::Azure,
            ),
            (
                answer(400, &[], r#"{"error":"invalid_request","error_description":"Identity not found"}"#),
                Responder::Azure,
            ),
            (answer(404, &[("server", "EC2ws")], ""), Responder::OtherCloud("AWS")),
            (answer(401, &html, "<h1>401 - Unauthorized</h1>"), Responder::OtherCloud("AWS")),
            (answer(403, &[("metadata-flavor", "Google")], ""), Responder::OtherCloud("Google Cloud")),
            (answer(403, &[], ""), Responder::GuestProxyAgent),
            (answer(200, &html, "<title>Sign in</title>"), Responder::Proxy(String::new())),
            (answer(504, &[("via", "1.1 gate")], ""), Responder::Proxy("1.1 gate".into())),
            (
                answer(403, &[("content-type", "text/plain")], "Request blocked by AAD Pod Identity NMI\n"),
                Responder::PodIdentity,
            ),
            (answer(200, &[("server", "Kestrel")], "{}"), Responder::Stranger("Kestrel".into())),
            (answer(200, &[], "[]"), Responder::Stranger(String::new())),
        ] {
            assert_eq!(responder(&given), who, "{given:?}");
        }
    }

    #[test]
    fn a_tenant_is_a_guid() {
        let told = |body: &str| tenant(&answer(200, &[], body));
        let guid = "7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55";
        assert_eq!(told(&format!("{{\"tenantId\":\"{guid}\"}}")).as_deref(), Some(guid));
        for body in [r#"{"tenantId":""}"#, r#"{"tenantId":7}"#, r#"{"tenantId":"contoso"}"#, "[]"] {
            assert_eq!(told(body), None, "{body}");
        }
    }

    #[test]
    fn keys_are_read_whatever_their_case() {
        let body = r#"{"Compute":{"VMID":"v","azEnvironment":"AZUREPUBLICCLOUD","resourceId":""}}"#;
        let read = Instance::read(&answer(200, &[], body)).expect("an instance");
        assert_eq!((read.vm_id.as_deref(), read.resource_id), (Some("v"), None));
    }
}

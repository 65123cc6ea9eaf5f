//! Scenarios: how a simulated VM differs from a healthy one, read from the `toml` and `http` blocks of a page's example.
//!
//! The language only. What follows from a scenario is in `azure` (the services) and `wire` (the machine).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::simulator::{roles, vm};

/// How a simulated VM differs from a healthy one. The default is the healthy one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Is the system-assigned identity on?
    pub system_assigned: bool,
    /// The user-assigned identities by name, among those of [`vm::USER`].
    pub user_assigned: Vec<String>,
    /// The roles that each identity of the VM holds on the VM.
    pub roles: Vec<String>,
    /// How long ago the roles were granted.
    pub role_age_seconds: i64,
    /// `false`: the roles are listed, but not yet in force.
    pub role_effective: bool,
    /// The name of a deny assignment in force; empty for none.
    pub role_denied: String,
    /// What is at 169.254.169.254:80.
    pub metadata: Metadata,
    /// What is at localhost:50342.
    pub retired: Retired,
    /// Whether Azure Resource Manager is there.
    pub arm: Arm,
    /// Whether its name resolves.
    pub arm_name: ArmName,
    /// The certificate it shows.
    pub arm_certificate: ArmCertificate,
    /// How far the VM's clock runs ahead of Azure's; negative: behind.
    pub clock_offset_seconds: i64,
    /// The azEnvironment of the VM.
    pub cloud: String,
    /// How midoctor is called in this scenario.
    pub command: Command,
    /// Variables set on the machine.
    pub environment: BTreeMap<String, String>,
    /// Files on the machine that differ; an empty text means that the file is absent.
    pub files: BTreeMap<String, String>,
    /// What is odd about the tokens that are issued.
    pub token: TokenOddities,
    /// Answers given word for word, first match wins.
    #[serde(skip)]
    pub literals: Vec<Literal>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            system_assigned: true,
            user_assigned: Vec::new(),
            roles: vec!["Reader".to_owned()],
            role_age_seconds: 8_000_000,
            role_effective: true,
            role_denied: String::new(),
            metadata: Metadata::Answers,
            retired: Retired::Refused,
            arm: Arm::Answers,
            arm_name: ArmName::Resolves,
            arm_certificate: ArmCertificate::Trusted,
            clock_offset_seconds: 0,
            cloud: "AzurePublicCloud".to_owned(),
            command: Command::default(),
            environment: BTreeMap::new(),
            files: BTreeMap::new(),
            token: TokenOddities::default(),
            literals: Vec::new(),
        }
    }
}

/// What is at the metadata service's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metadata {
    /// The metadata service.
    Answers,
    /// Packets vanish.
    Silent,
    /// Nothing listens.
    Refused,
    /// There is no route.
    Unroutable,
}

/// What is at the retired VM extension's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retired {
    /// Nothing listens, as it should be.
    Refused,
    /// The retired VM extension.
    Extension,
    /// Azure Cloud Shell, which still serves a user's tokens there.
    CloudShell,
    /// A home-made relay that passes requests on to the metadata service.
    Shim,
}

/// Whether Azure Resource Manager can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// It answers.
    Answers,
    /// Packets vanish.
    Silent,
    /// The connection is refused.
    Refused,
}

/// Whether Azure Resource Manager's name resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArmName {
    /// It does.
    Resolves,
    /// It does not.
    Unknown,
}

/// The certificate shown in the name of Azure Resource Manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArmCertificate {
    /// Signed by an authority the machine knows.
    Trusted,
    /// Signed by an authority the machine does not know.
    Stranger,
    /// Out of date.
    Expired,
    /// Made out to another name.
    OtherName,
}

/// How midoctor is called in a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Command {
    /// Values of `--identity`.
    pub identity: Vec<String>,
    /// Values of `--resource`.
    pub resource: Vec<String>,
    /// Values of `--require`.
    pub require: Vec<String>,
    /// Values of `--probe`.
    pub probe: Vec<String>,
    /// Values of `--trust-host`.
    pub trust_host: Vec<String>,
    /// Value of `--arm-endpoint`.
    pub arm_endpoint: Option<String>,
}

/// What is odd about issued tokens; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenOddities {
    /// Issued that long ago; negative: in the future.
    pub age_seconds: i64,
    /// Replaces `aud`.
    pub audience: Option<String>,
    /// Replaces `iss`.
    pub issuer: Option<String>,
    /// Replaces `tid`, and with it the tenant in `iss`.
    pub tid: Option<String>,
    /// Replaces `oid` and `sub`.
    pub oid: Option<String>,
    /// Replaces `xms_mirid`.
    pub xms_mirid: Option<String>,
    /// Replaces `xms_az_rid`.
    pub xms_az_rid: Option<String>,
    /// What is issued is not a JWT.
    pub malformed: bool,
}

/// An answer given word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The method it answers; `None` for any.
    pub method: Option<String>,
    /// Scheme, host and path, normalised; without the `*` of a prefix.
    pub url: String,
    /// Parameters that the request must have.
    pub query: Vec<(String, String)>,
    /// Does it answer every request that begins like the URL, unchecked?
    pub prefix: bool,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The headers without those that frame the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Scenario {
    /// Reads a scenario from the text of its toml block and of its http blocks.
    pub fn parse(toml: Option<&str>, http: &[&str]) -> Result<Self, String> {
        let mut scenario: Self = match toml {
            Some(text) => toml::from_str(text).map_err(|error| format!("toml block: {error}"))?,
            None => Self::default(),
        };
        for name in &scenario.user_assigned {
            if !vm::USER.iter().any(|identity| identity.name == Some(name)) {
                return Err(format!("toml block: user_assigned: there is no identity {name:?}"));
            }
        }
        for name in &scenario.roles {
            if roles::named(name).is_none() {
                return Err(format!("toml block: roles: there is no role {name:?}"));
            }
        }
        for block in http {
            let first = block.lines().next().unwrap_or_default();
            scenario.literals.push(Literal::parse(block).map_err(|why| format!("http block {first:?}: {why}"))?);
        }
        Ok(scenario)
    }
}

impl Literal {
    /// Reads an http block: `METHOD URL`, a blank line, a complete HTTP/1.1 response.
    pub fn parse(block: &str) -> Result<Self, String> {
        let block = block.replace("\r\n", "\n");
        let (request, response) = block.split_once("\n\n").ok_or("a blank line belongs after METHOD URL")?;
        let (method, url) = request.trim().split_once(' ').ok_or("the first line is METHOD URL")?;
        let method = match method {
            "ANY" => None,
            "GET" => Some(method.to_owned()),
            other => return Err(format!("the method is GET or ANY, not {other:?}")),
        };
        let (url, prefix) = match url.trim().strip_suffix('*') {
            Some(url) => (url, true),
            None => (url.trim(), false),
        };
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err("the URL begins with http:// or https://".into());
        }
        let (head, body) = response.split_once("\n\n").unwrap_or((response.trim_end_matches('\n'), ""));
        let head = format!("{head}\n\n");
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head.as_bytes()) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err("the response ends too early".into()),
            Err(error) => return Err(format!("not an HTTP response: {error}")),
        }
        if parsed.version != Some(1) {
            return Err("the response is HTTP/1.1".into());
        }
        let mut headers = Vec::new();
        for field in parsed.headers.iter() {
            let framing =
                ["content-length", "transfer-encoding"].iter().any(|name| field.name.eq_ignore_ascii_case(name));
            if !framing {
                let value = String::from_utf8(field.value.to_vec()).map_err(|_| "a header is not UTF-8")?;
                headers.push((field.name.to_owned(), value));
            }
        }
        Ok(Self {
            method,
            url: normal(url),
            query: parameters(url),
            prefix,
            status: parsed.code.unwrap_or_default(),
            reason: parsed.reason.unwrap_or_default().to_owned(),
            headers,
            // The newline before a fence's end is the page's, not the body's.
            body: body.trim_end_matches('\n').as_bytes().to_vec(),
        })
    }

    /// Does it answer this request?
    pub fn answers(&self, method: &str, url: &str) -> bool {
        let asked = normal(url);
        let fits = if self.prefix { asked.starts_with(&self.url) } else { asked == self.url };
        let query = parameters(url);
        fits && self.query.iter().all(|wanted| query.contains(wanted))
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
    }
}

/// The parameters of a URL's query.
fn parameters(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Scheme, host and path in lower case, without query, and with one name for the machine itself.
fn normal(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    url.replacen("http://127.0.0.1:", "http://localhost:", 1).replacen("http://[::1]:", "http://localhost:", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_healthy_vm() {
        assert_eq!(Scenario::parse(None, &[]), Ok(Scenario::default()));
        assert_eq!(Scenario::parse(Some(""), &[]), Ok(Scenario::default()));
    }

    #[test]
    fn every_key_of_the_language_is_read() {
        let text = r#"
            system_assigned = false
            user_assigned = ["id-app", "id-batch"]
            roles = ["Virtual Machine Reader"]
            role_age_seconds = 60
            role_effective = false
            role_denied = "Deny"
            metadata = "unroutable"
            retired = "cloud-shell"
            arm = "silent"
            arm_name = "unknown"
            arm_certificate = "other-name"
            clock_offset_seconds = -600
            cloud = "AzureChinaCloud"
            [command]
            identity = ["a"]
            resource = ["vault"]
            [environment]
            HTTP_PROXY = "http://proxy.contoso.com:3128"
            [files]
            "/sys/class/dmi/id/sys_vendor" = "Amazon EC2"
            [token]
            age_seconds = 90000
            malformed = true
            xms_az_rid = "/x"
        "#;
        let scenario = Scenario::parse(Some(text), &[]).expect("it parses");
        assert_eq!(scenario.retired, Retired::CloudShell);
        assert_eq!(scenario.arm_certificate, ArmCertificate::OtherName);
        assert_eq!(scenario.command.resource, ["vault"]);
        assert_eq!(scenario.token.age_seconds, 90_000);
    }

    #[test]
    fn what_is_not_in_the_language_is_refused() {
        for text in
            ["identities = []", "roles = [\"Owner\"]", "user_assigned = [\"id-x\"]", "[token]\nexp = 1", "arm = \"x\""]
        {
            assert!(Scenario::parse(Some(text), &[]).is_err(), "{text}");
        }
        for block in
            ["GET /x\n\nHTTP/1.1 200 OK\n\n", "PUT http://x/\n\nHTTP/1.1 200 OK\n\n", "GET http://x/\n\nhello\n\n", ""]
        {
            assert!(Scenario::parse(None, &[block]).is_err(), "{block}");
        }
    }

    #[test]
    fn a_literal_keeps_reason_headers_and_body() {
        let literal = Literal::parse(
            "ANY http://169.254.169.254/*\n\nHTTP/1.1 403 Go Away\nServer: EC2\nContent-Length: 9\n\n<html>\n\n</html>\n",
        )
        .expect("it parses");
        assert_eq!((literal.status, literal.reason.as_str()), (403, "Go Away"));
        assert_eq!(literal.headers, [("Server".to_owned(), "EC2".to_owned())]);
        assert_eq!(literal.body, b"<html>\n\n</html>");
        assert!(literal.answers("POST", "http://169.254.169.254/metadata/instance?api-version=1"));
        assert!(!literal.answers("POST", "http://169.254.169.25/"));
    }
}

//! Certificates: whom they are for, and the authorities of one's own. Those of public authorities name nobody.

use serde_json::{Map, Value};

use super::names::{Kind, Names};
use super::{host, text};

/// Organizations whose authorities everybody trusts.
const PUBLIC: [&str; 8] = [
    "Microsoft Corporation",
    "DigiCert Inc",
    "DigiCert",
    "Entrust",
    "GlobalSign nv-sa",
    "Let's Encrypt",
    "Internet Security Research Group",
    "Sectigo Limited",
];

/// Replaces the names in a certificate as it is in evidence.
pub fn redact(shown: &mut Map<String, Value>, names: &mut Names) {
    let public = matches!(shown.get("trusted_by").and_then(Value::as_str), Some("both" | "mozilla"));
    let mut each = |key: &str, change: &mut dyn FnMut(&str, &mut Names) -> String| {
        let texts: Vec<&mut Value> = match shown.get_mut(key) {
            Some(Value::Array(items)) => items.iter_mut().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for value in texts {
            if let Value::String(text) = value {
                *text = change(text, names);
            }
        }
    };
    each("names", &mut |name, names| host::replaced(name, names));
    each("subject", &mut distinguished);
    for key in ["issuer", "chain"] {
        each(key, &mut |name, names| if public { name.to_owned() } else { distinguished(name, names) });
    }
    each("refused", &mut text::replaced);
    if let Some(Value::String(name)) = shown.get_mut("issuer_out_of_date").and_then(|dated| dated.get_mut("subject")) {
        *name = if public { name.clone() } else { distinguished(name, names) };
    }
}

/// What stands for a distinguished name: `C=US, O=Contoso, CN=Contoso Root CA`.
fn distinguished(name: &str, names: &mut Names) -> String {
    let organization = |part: &str| part.strip_prefix("O=").is_some_and(|own| PUBLIC.contains(&own));
    let public = name.split(", ").any(organization);
    let parts = name.split(", ").map(|part| match part.split_once('=') {
        Some((kind @ "CN", value)) if is_host(value) => format!("{kind}={}", host::replaced(value, names)),
        _ if public => part.to_owned(),
        Some((kind @ "CN", value)) => format!("{kind}={}", names.name(Kind::Authority, value)),
        Some(("C", _)) => part.to_owned(),
        Some((kind, value)) => format!("{kind}={}", names.name(Kind::Organization, value)),
        None => names.name(Kind::Organization, part),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn is_host(value: &str) -> bool {
    value.contains('.') && value.chars().all(|c| c.is_alphanumeric() || "-._*".contains(c))
}

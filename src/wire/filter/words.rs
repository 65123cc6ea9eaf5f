//! An nftables expression in words. Words only; what it means to the packet is judged elsewhere.

use serde_json::Value;

/// An expression much as `nft` itself would print it; counters and the like are left out.
pub(super) fn words(expression: &Value) -> String {
    let Some((kind, body)) = expression.as_object().and_then(|one| one.iter().next()) else { return String::new() };
    match kind.as_str() {
        "counter" | "log" => String::new(),
        "match" => {
            let operator = match body["op"].as_str() {
                Some("!=") => "!= ",
                _ => "",
            };
            format!("{} {operator}{}", operand(&body["left"]), operand(&body["right"]))
        }
        "jump" | "goto" => format!("{kind} {}", body["target"].as_str().unwrap_or_default()),
        "dnat" | "tproxy" => format!("{kind} to {}", super::nft::destination(body)),
        "redirect" => format!("redirect to :{}", super::nft::destination(body)),
        "reject" => "reject".into(),
        "xt" => {
            format!("xt {} {}", body["type"].as_str().unwrap_or_default(), body["name"].as_str().unwrap_or_default())
        }
        _ if body.is_null() => kind.clone(),
        _ => format!("{kind} {}", operand(body)),
    }
}

fn operand(value: &Value) -> String {
    let list = |all: &[Value]| all.iter().take(8).map(operand).collect::<Vec<_>>().join(", ");
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => list(all),
        Value::Object(object) => match object.iter().next().map(|(kind, body)| (kind.as_str(), body)) {
            Some(("payload", body)) => {
                format!("{} {}", operand(&body["protocol"]), operand(&body["field"]))
            }
            Some(("meta" | "ct", body)) if body["key"].is_string() => {
                format!("{} {}", if object.contains_key("ct") { "ct" } else { "meta" }, operand(&body["key"]))
            }
            Some(("prefix", body)) => format!("{}/{}", operand(&body["addr"]), operand(&body["len"])),
            Some(("set", body)) => format!("{{ {} }}", operand(body)),
            _ => super::short(&value.to_string()),
        },
        other => other.to_string(),
    }
}

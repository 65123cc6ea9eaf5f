//! Evidence that no scenario plays: that of a scenario, with some of its values replaced by others, odd and hostile ones among them.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use midoctor::evidence::Evidence;
use midoctor::scenarios;
use proptest::prelude::*;
use serde_json::Value;

use super::played;

/// What is put in the place of a value.
const VALUES: &[&str] = &[
    "null",
    "-1",
    "0",
    "200",
    "403",
    "500",
    "18446744073709551615",
    "true",
    "[]",
    "{}",
    r#""""#,
    r#""x""#,
    r#""\u001b[2J\u202egnp\u0000\u2028""#,
    r###""##vso[task.complete]x\n::error::y""###,
    r#""9999-12-31T23:59:59Z""#,
    r#""169.254.169.254""#,
    r#""10.0.0.5""#,
    r#""Azure-Contoso.example""#,
    r#""http://user:word@proxy.contoso.example:3128/x?y=z""#,
    r#""/subscriptions/3D9B6C1E-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/RG-Ü/providers/Microsoft.Compute/virtualMachines/vm""#,
    r#""7C9e6679-7425-40de-944b-e07fc1f90ae7""#,
    r#""eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2lnbmF0dXJl""#,
    r#""{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}""#,
    r#""{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"The client 'a' with object id 'b' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '/subscriptions/x' or the scope is invalid.\"}}""#,
    r#""{\"value\":[{\"actions\":[\"*\"],\"notActions\":[\"*/read\"]}],\"nextLink\":\"https://management.azure.com/x?page=2\"}""#,
    r#""<html><title>Sign in to contoso</title></html>""#,
    r#"{"result":"failed","why":"certificate-refused","detail":"expired in contoso"}"#,
    r#"{"result":"failed","why":"answer-timeout","detail":""}"#,
    r#"{"result":"answered","status":503,"headers":{"server":"IMDS/1","retry-after":"7"},"body":"busy"}"#,
    r#"{"result":"connected"}"#,
    r#"{"result":"present"}"#,
];

/// A number of changes: which value, counted through all of the evidence, and what stands there instead.
fn changes() -> impl Strategy<Value = Vec<(usize, String)>> {
    let value = prop_oneof![
        6 => prop::sample::select(VALUES.to_vec()).prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| Value::String(text).to_string()),
        1 => "[a-zA-Z0-9.@:/%_-]{1,40}".prop_map(|text| Value::String(text).to_string()),
    ];
    prop::collection::vec((any::<usize>(), value), 0..5)
}

/// Evidence and what it was made of, which is what messages show.
#[derive(Clone)]
pub struct Changed {
    pub from: String,
    pub evidence: Evidence,
}

impl std::fmt::Debug for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.from)
    }
}

/// So many cases, or as many as `PROPTEST_CASES` says.
pub fn cases(number: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { number };
    ProptestConfig { cases, failure_persistence: None, ..usual }
}

/// Where two values begin to differ, as JSON.
pub fn difference(one: &impl serde::Serialize, other: &impl serde::Serialize) -> Option<[String; 2]> {
    let [one, other] = [serde_json::to_string(one).unwrap(), serde_json::to_string(other).unwrap()];
    let at = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        let whole = text.as_bytes().iter().skip(at.saturating_sub(120)).take(260).copied().collect::<Vec<u8>>();
        String::from_utf8_lossy(&whole).into_owned()
    };
    (one != other).then(|| [around(&one), around(&other)])
}

/// Evidence of any scenario with any changes.
pub fn evidence() -> impl Strategy<Value = Changed> {
    let all = scenarios::all().into_iter().map(|scenario| scenario.name).collect::<Vec<_>>();
    (prop::sample::select(all), changes()).prop_map(|(name, changes)| {
        let mut json = played(name);
        for (index, value) in &changes {
            let mut changed = json.clone();
            replace(&mut changed, *index, serde_json::from_str(value).unwrap());
            // What no report can hold is not changed.
            if serde_json::from_value::<Evidence>(changed.clone()).is_ok() {
                json = changed;
            }
        }
        Changed { from: format!("{name} with {changes:?}"), evidence: serde_json::from_value(json).unwrap() }
    })
}

/// The evidence of a scenario, which is played once.
fn played(name: &'static str) -> Value {
    static PLAYED: LazyLock<Mutex<BTreeMap<&str, Value>>> = LazyLock::new(Mutex::default);
    let play = || serde_json::to_value(played::named(name, |_| {})).unwrap();
    PLAYED.lock().unwrap().entry(name).or_insert_with(play).clone()
}

fn replace(json: &mut Value, index: usize, value: Value) {
    let mut places = 0;
    each(json, &mut |_| places += 1);
    let (mut at, mut value) = (0, Some(value));
    each(json, &mut |place| {
        if at == index % places
            && let Some(value) = value.take()
        {
            *place = value;
        }
        at += 1;
    });
}

fn each(json: &mut Value, show: &mut impl FnMut(&mut Value)) {
    show(json);
    match json {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, show)),
        Value::Object(members) => members.values_mut().for_each(|value| each(value, show)),
        _ => {}
    }
}

//! Bodies that are not what they should be, made from those that are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use midoctor::simulator::CANARY;
use serde_json::{Map, Value, json};

/// So deep is the deepest JSON.
const DEEP: usize = 200_000;

/// Every member of every object twice: first as it should be, then with nothing that can be meant.
pub fn with_duplicate_keys(body: &[u8]) -> Vec<u8> {
    fn written(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let twice = |(key, value): (&String, &Value)| {
                    let empty = if value.is_string() { "\"\"" } else { "[]" };
                    let key = Value::from(key.as_str());
                    format!("{key}:{},{key}:{empty}", written(value))
                };
                format!("{{{}}}", members.iter().map(twice).collect::<Vec<_>>().join(","))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
            other => other.to_string(),
        }
    }
    written(&parsed(body)).into_bytes()
}

/// Every text a number, every number a text.
pub fn with_other_types(body: &[u8]) -> Vec<u8> {
    fn turned(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(key, value)| (key, turned(value))).collect::<Map<_, _>>())
            }
            Value::Array(items) => items.into_iter().map(turned).collect(),
            Value::String(text) => text.len().into(),
            Value::Number(number) => number.to_string().into(),
            other => other,
        }
    }
    turned(parsed(body)).to_string().into_bytes()
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| json!({ "nothing": "here" }))
}

/// The same in UTF-16, which is not UTF-8.
pub fn in_utf16(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// The same with bytes in its texts that are no UTF-8.
pub fn with_broken_letters(body: &[u8]) -> Vec<u8> {
    let mut broken = Vec::new();
    for byte in body {
        broken.push(*byte);
        if *byte == b':' {
            broken.extend_from_slice(b"\xc3\x28\xff");
        }
    }
    broken
}

/// `[[[…]]]`.
pub fn nested_lists() -> Vec<u8> {
    [vec![b'['; DEEP], vec![b']'; DEEP]].concat()
}

/// `{"value":{"value":…}}`.
pub fn nested_objects() -> Vec<u8> {
    [b"{\"value\":".repeat(DEEP / 2), b"1".to_vec(), vec![b'}'; DEEP / 2]].concat()
}

/// The proper body with something deep in front.
pub fn with_deep_member(body: &[u8]) -> Vec<u8> {
    let rest = body.strip_prefix(b"{").unwrap_or(b"\"nothing\":0}");
    [b"{\"deep\":".as_slice(), &nested_lists(), b",", rest].concat()
}

/// An object with a hundred thousand members.
pub fn many_members() -> Vec<u8> {
    let members: Vec<String> = (0..100_000).map(|number| format!("\"m{number}\":0")).collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// Compressed zeros: more than a hundred times as many bytes when they are unpacked (RFC 1951, one block with fixed codes).
pub fn gzip_bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    // The byte 0, then again and again 258 bytes from one byte before: length code 285 and distance code 0, highest bit first.
    bits.put(0b0000_1100, 8);
    for _ in 0..500_000 {
        bits.put(0b1010_0011, 8);
        bits.put(0, 5);
    }
    bits.put(0, 7);
    let mut all = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    all.extend(bits.bytes);
    // Nobody gets as far as the checksum.
    all.extend([0; 8]);
    all
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: usize) {
        for bit in 0..count {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= u8::from(value >> bit & 1 == 1) << (self.count % 8);
            self.count += 1;
        }
    }
}

/// A token answer with this as the token.
pub fn token_answer(proper: &[u8], token: &Value) -> Vec<u8> {
    let mut answer = parsed(proper);
    answer["access_token"] = token.clone();
    answer.to_string().into_bytes()
}

/// The parts of the proper token: header, claims, signature.
pub fn token_parts(proper: &[u8]) -> [String; 3] {
    let answer = parsed(proper);
    let parts: Vec<String> = answer["access_token"].as_str().unwrap().split('.').map(str::to_owned).collect();
    assert!(parts[2].contains(CANARY));
    parts.try_into().unwrap()
}

/// The proper token with its claims changed.
pub fn token_with_claims(proper: &[u8], change: fn(&mut Value)) -> Value {
    let [head, claims, signature] = token_parts(proper);
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    change(&mut claims);
    format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string())).into()
}

/// The proper token with these bytes as its claims.
pub fn token_with_raw_claims(proper: &[u8], claims: &[u8]) -> Value {
    let [head, _, signature] = token_parts(proper);
    format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims)).into()
}

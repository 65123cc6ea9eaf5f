//! Goes through all texts of a JSON value, each with its place as a JSON pointer (RFC 6901). Knows nothing of what they mean.

use serde_json::Value;

/// Replaces every text by what `change` makes of it; numbers, names of members and the like stay.
pub fn each(json: &mut Value, change: &mut impl FnMut(&str, &str) -> String) {
    walk(json, &mut String::new(), change);
}

fn walk(json: &mut Value, place: &mut String, change: &mut impl FnMut(&str, &str) -> String) {
    let length = place.len();
    match json {
        Value::String(text) => *text = change(place, text),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                place.push('/');
                place.push_str(&index.to_string());
                walk(item, place, change);
                place.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                place.push('/');
                place.push_str(&escaped(name));
                walk(value, place, change);
                place.truncate(length);
            }
        }
        _ => {}
    }
}

/// A member's name as a part of a pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_met_once_with_its_place() {
        let mut json = serde_json::json!({"a": ["x", {"b/c~d": "y"}], "n": 1});
        let mut met = Vec::new();
        each(&mut json, &mut |place, text| {
            met.push((place.to_owned(), text.to_owned()));
            text.to_uppercase()
        });
        assert_eq!(met, [("/a/0".into(), "x".into()), ("/a/1/b~1c~0d".into(), "y".into())]);
        assert_eq!(json, serde_json::json!({"a": ["X", {"b/c~d": "Y"}], "n": 1}));
    }
}

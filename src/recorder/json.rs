//! Seals what JSON says, however it is written: its strings and the names of its members.

use serde_json::Value;

/// Seals all of them. Did any hold something?
pub fn seal(json: &mut Value, by: &dyn Fn(&str) -> String) -> bool {
    match json {
        Value::String(text) => {
            let sealed = by(text);
            let changed = sealed != *text;
            *text = sealed;
            changed
        }
        Value::Array(all) => all.iter_mut().fold(false, |changed, one| seal(one, by) | changed),
        Value::Object(all) => {
            let names: Vec<String> = all.keys().filter(|name| by(name) != **name).cloned().collect();
            for name in &names {
                if let Some(value) = all.remove(name) {
                    all.insert(by(name), value);
                }
            }
            all.values_mut().fold(!names.is_empty(), |changed, one| seal(one, by) | changed)
        }
        _ => false,
    }
}

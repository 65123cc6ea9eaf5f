//! Values of a configuration: each is what its name takes, or a complaint that says what that is.

use toml::de::DeValue;

use crate::nearest::suggestion;

/// A text, called `what` in complaints.
pub fn text(value: &DeValue, what: &str) -> Result<String, String> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("takes {what}, and not {}", kind(value))),
    }
}

/// A list of texts; one alone can stand without the list.
pub fn texts(value: &DeValue) -> Result<Vec<String>, String> {
    let what = "a text in quotes or a list of texts";
    match value {
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(text.clone().into_owned()),
                other => Err(format!("takes {what}, and not {} in the list", kind(other))),
            })
            .collect(),
        other => Ok(vec![text(other, what)?]),
    }
}

/// A whole number, with or without quotes, as it is written.
pub fn number_or_text(value: &DeValue) -> Result<String, String> {
    match value {
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        other => text(other, "a number"),
    }
}

/// True or false.
pub fn truth(value: &DeValue) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("takes true or false, and not {}", kind(value)))
}

/// One of these words.
pub fn choice<T: Copy>(value: &DeValue, words: &[(&str, T)]) -> Result<T, String> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let what = names.join(", ");
    let word = text(value, &format!("one of {what}, in quotes"))?;
    let found = words.iter().find(|(name, _)| *name == word).map(|(_, meant)| *meant);
    found.ok_or_else(|| {
        format!("takes one of {what}; “{word}” is none of them{}", suggestion(&word.to_lowercase(), &names))
    })
}

/// The kind of a value, for complaints.
pub fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

//! The queries of deploy/queries name only what a row has, for DuckDB and for Log Analytics alike; what DuckDB answers is held by the
//! interop suite, what Log Analytics would answer by nothing here.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::run;
use regex::Regex;
use serde_json::Value;

/// The names of all members of rows in which everything occurs that can occur in one.
fn names() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut all = BTreeSet::from(["notes", "ignored", "reason", "until"].map(str::to_owned));
    let mut columns = BTreeSet::from(["notes".to_owned()]);
    for scenario in ["healthy-both", "role-missing"] {
        let row: Value = serde_json::from_str(&run(&["demo", scenario, "-o", "ndjson"]).stdout).unwrap();
        columns.extend(row.as_object().unwrap().keys().cloned());
        members(&row, &mut all);
    }
    (columns, all)
}

fn members(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| members(item, all)),
        Value::Object(object) => {
            for (name, value) in object {
                all.insert(name.clone());
                members(value, all);
            }
        }
        _ => {}
    }
}

fn files(ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/queries");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn each_question_has_a_query_for_duckdb_and_one_for_log_analytics() {
    let names =
        |ending| files(ending).into_iter().map(|(name, _)| name).filter(|name| name != "latest").collect::<Vec<_>>();
    assert_eq!(names("sql"), names("kql"));
    assert_eq!(names("kql").len(), 6);
}

#[test]
fn queries_for_log_analytics_name_what_a_row_has_and_close_what_they_open() {
    let (columns, members) = names();
    let member = Regex::new(r"\b([A-Za-z]+)\.([a-z_]+)\b").unwrap();
    let plain = Regex::new(r"(?:arg_max\(|by |, )([a-z_]+)\b").unwrap();
    for (name, text) in files("kql") {
        let code: String = text.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
        assert!(code.contains("Midoctor_CL") && text.starts_with("// "), "{name}");
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            assert_eq!(code.matches(open).count(), code.matches(close).count(), "{name}: {open}{close}");
        }
        assert!(code.matches('"').count().is_multiple_of(2), "{name}");
        for found in member.captures_iter(&code) {
            let whose = &found[1];
            let made = ["Kinds", "Check", "Finding", "Identity"].contains(&whose);
            assert!(made || columns.contains(whose), "{name}: {}", &found[0]);
            let known = members.contains(&found[2]) || (whose == "Kinds" && ["kind", "place"].contains(&&found[2]));
            assert!(known, "{name}: {}", &found[0]);
        }
        let words = [
            "count",
            "tostring",
            "tolower",
            "coalesce",
            "dcount",
            "dcountif",
            "make_set",
            "bag",
            "pack",
            "asc",
            "desc",
            "root_cause",
        ];
        for found in plain.captures_iter(&code) {
            let word = &found[1];
            let function = code.contains(&format!("{word}("));
            assert!(function || words.contains(&word) || columns.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn the_table_the_rule_and_the_view_have_the_columns_of_a_row() {
    let (columns, members) = names();
    let read = |file: &str| -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/queries").join(file);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let named = |list: &Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap().to_owned()).collect()
    };
    let (table, rule) = (read("table.json"), read("dcr.json"));
    assert_eq!(named(&table["properties"]["schema"]["columns"]), columns);
    assert_eq!(named(&rule["properties"]["streamDeclarations"]["Custom-Json-Midoctor"]["columns"]), columns);
    let (_, view) = files("sql").into_iter().find(|(name, _)| name == "latest").unwrap();
    let kept: BTreeSet<String> =
        Regex::new(r"(?m)^  ([A-Za-z_]+): '").unwrap().captures_iter(&view).map(|found| found[1].to_owned()).collect();
    assert!(kept.is_subset(&columns) && kept.len() == columns.len() - 1, "{kept:?}");
    for found in Regex::new(r#""?([a-z_]+)"? (?:VARCHAR|BIGINT|TIMESTAMPTZ|STRUCT)"#).unwrap().captures_iter(&view) {
        assert!(members.contains(&found[1]), "{}", &found[1]);
    }
}

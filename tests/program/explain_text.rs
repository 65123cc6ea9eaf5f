//! `explain` with a text: from standard input, a file, an argument; what it prints and how it ends. None of this asks anything.

use std::io::Write;
use std::process::Stdio;

use crate::common::{Ran, midoctor, refused, run};
use serde_json::Value;

const NOT_FOUND: &str = r#"Invoke-WebRequest : {"error":"invalid_request","error_description":"Identity not found"}"#;

/// Runs it with this on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = midoctor(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // It may have read enough.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.stderr, "");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn what_is_not_recognised_is_said_in_one_sentence_and_ends_with_three() {
    let ran = fed(&["explain", "-"], b"all is well\nand so is this\n");
    let said = "Nothing is recognised in these 2 lines. Run midoctor on the VM: it sees for itself.\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(3), said, ""));
    let ran = run(&["explain", "all is well"]);
    let said = "Nothing is recognised in this line. Run midoctor on the VM: it sees for itself.\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), said));
}

#[test]
fn json_has_exactly_its_fields() {
    let ran = fed(&["explain", "-", "-o", "json"], b"all is well\n");
    assert_eq!(ran.code, Some(3));
    assert_eq!(json(&ran), serde_json::json!({ "schema": "midoctor.explain/1", "matches": [], "lines": 1 }));
}

#[test]
fn an_empty_text_is_said_to_be_empty() {
    let said = "There is no text to explain: what was read is empty. Run midoctor on the VM: it sees for itself.\n";
    for ran in [fed(&["explain", "-"], b""), run(&["explain", "-"]), run(&["explain", ""])] {
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(3), said, ""));
    }
}

#[test]
fn a_file_is_read_and_what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    std::fs::write(&file, "one\ntwo\nthree").unwrap();
    let ran = run(&["explain", "--file", file.to_str().unwrap(), "-o", "json"]);
    assert_eq!((ran.code, &json(&ran)["lines"]), (Some(3), &Value::from(3)));
    let folder = folder.path().display();
    assert_eq!(
        refused(&["explain", "--file", &folder.to_string()]),
        format!("midoctor: {folder} is a directory; name a file in it")
    );
    assert_eq!(
        refused(&["explain", "--file", "/no/such/file"]),
        "midoctor: /no/such/file cannot be read: there is no such file; correct the path"
    );
}

#[test]
fn flags_that_do_not_go_together_are_named() {
    for (arguments, line) in [
        (
            &["explain", "identity-none", "-o", "json"][..],
            "midoctor: -o goes with a text to explain: midoctor explain - reads one, --file FILE names one",
        ),
        (
            &["explain", "--and-check"],
            "midoctor: --and-check goes with a text to explain: midoctor explain - reads one, --file FILE names one",
        ),
        (
            &["explain", "-", "-o", "xml"],
            "midoctor: -o takes text or json, each with =FILE to write it there; “xml” is none of them",
        ),
        (
            &["explain", "-", "--file", "x"],
            "midoctor: the argument '[CODE|CHECK|TEXT|-]' cannot be used with '--file <FILE>'; midoctor --help lists what can be typed",
        ),
    ] {
        assert_eq!(refused(arguments), line);
    }
}

#[test]
fn bad_input_is_read_as_far_as_it_goes() {
    let utf16: Vec<u8> = "\u{feff}eins\r\nzwei\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = vec![b'x'; 50 << 20];
    for (input, lines) in [(&b"\xff\x00\xfe\x80\n\0\0"[..], 1), (&utf16, 2), (&long, 1), (b"\n\n\n", 3)] {
        let ran = fed(&["explain", "-", "-o", "json"], input);
        assert_eq!((ran.code, &json(&ran)["lines"]), (Some(3), &Value::from(lines)));
    }
}

#[test]
fn a_secret_typed_as_a_word_is_not_repeated() {
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.Q2FuYXJ5.U2lnbmF0dXJl";
    for arguments in [&["explain", token][..], &["explain", "Bearer", token], &["explain", "--file", token]] {
        let line = refused(arguments);
        assert!(!line.contains("Q2FuYXJ5") && line.contains("(sealed)"), "{line}");
    }
}

#[test]
fn each_format_can_go_to_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.json");
    let ran = run(&["explain", "all is well", "-o", "text", "-o", &format!("json={}", file.display())]);
    assert!(ran.stdout.starts_with("Nothing is recognised"), "{}", ran.stdout);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with('{'));
}

#[test]
fn a_cause_is_named_with_its_line_its_evidence_and_its_remedy() {
    let log = format!("{}{NOT_FOUND}\r\n{}", "hay\n".repeat(5_000), "hay\n".repeat(5_000));
    let ran = fed(&["explain", "-", "-o", "json"], log.as_bytes());
    let answer = json(&ran);
    assert_eq!((ran.code, &answer["lines"]), (Some(0), &Value::from(10_001)));
    let best = &answer["matches"][0];
    let mut keys: Vec<&str> = best.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["client", "code", "confidence", "evidence", "line", "remedy"]);
    assert_eq!((&best["code"], &best["line"]), (&Value::from("identity-none"), &Value::from(5_001)));
    assert!(best["evidence"].as_str().unwrap().contains("Identity not found"), "{best}");
    assert!(best["remedy"]["text"].as_str().unwrap().starts_with("Switch on the system-assigned identity"), "{best}");
}

#[test]
fn people_read_the_cause_the_fix_and_what_decides() {
    let ran = run(&["explain", NOT_FOUND]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.starts_with("identity-none  No managed identity is enabled on this VM.\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n  More    midoctor explain identity-none\n"), "{}", ran.stdout);
}

#[test]
fn the_same_is_named_in_utf16_in_colour_in_a_json_log_and_in_a_quoted_argument() {
    let utf16: Vec<u8> = format!("\u{feff}{NOT_FOUND}\r\n").encode_utf16().flat_map(u16::to_be_bytes).collect();
    let colored = NOT_FOUND.replace("Identity", "\u{1b}[31mIdentity\u{1b}[0m");
    let logged = serde_json::json!({ "msg": format!("failed\n{NOT_FOUND}") }).to_string();
    let one = format!("x{}\n{logged}\n", "\nhay".repeat(500));
    for input in [&utf16[..], colored.as_bytes(), logged.as_bytes(), one.as_bytes()] {
        let ran = fed(&["explain", "-", "-o", "json"], input);
        assert_eq!((ran.code, &json(&ran)["matches"][0]["code"]), (Some(0), &Value::from("identity-none")));
    }
    assert_eq!(run(&["explain", NOT_FOUND, "-o", "json"]).code, Some(0));
}

#[test]
fn what_a_text_tells_of_names_is_filled_into_the_remedy() {
    let vm = "/subscriptions/7d1a2f3c-1111-4c2b-9a10-aa00bb11cc22/resourceGroups/rg-1/providers/Microsoft.Compute/virtualMachines/vm-1";
    let text = format!(
        "(AuthorizationFailed) The client 'ba5eba11-4444-4bbb-8c40-665544332211' with object id \
         'c0ffee00-3333-4aaa-9b30-112233445566' does not have authorization to perform action \
         'Microsoft.Compute/virtualMachines/read' over scope '{vm}' or the scope is invalid."
    );
    let answer = json(&run(&["explain", &text, "-o", "json"]));
    assert_eq!(answer["matches"][0]["code"], "role-missing");
    let lines = answer["matches"][0]["remedy"]["commands"].to_string();
    assert!(lines.contains(&format!("--assignee-object-id c0ffee00-3333-4aaa-9b30-112233445566 --assignee-principal-type ServicePrincipal --role Reader --scope {vm}")), "{lines}");
}

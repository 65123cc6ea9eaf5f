//! Reports as somebody hands them in: to --from, to `report show`, `diff` and `redact`, and to `fleet`, which reads them its own way.
//!
//! The first byte picks a scenario, whose report is patched: what follows, parted by 0xff, is the number of one of its texts, numbers
//! and lists, in two bytes, and what stands there instead, as JSON or else as a text. With 0xff as the first byte the rest is the file.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use midoctor::diff;
use midoctor::engine::{self, Limits};
use midoctor::fleet::documents::{self, Ended, Last};
use midoctor::fleet::fold::{Fold, Place, Ready};
use midoctor::fleet::known::Known;
use midoctor::fleet::row::{self, Fault};
use midoctor::fleet::summary::Fleet;
use midoctor::redact::{Level, redact};
use midoctor::render::style::Style;
use midoctor::render::{self, ndjson};
use midoctor::report::Report;
use midoctor::saved;
use midoctor::scenarios;
use midoctor::simulator::{Azure, SimulatedMachine};
use midoctor_fuzz::{judged, kind, now, promises};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = kind(data) else { return };
    let bytes = if first == 0xff { rest.to_owned() } else { patched(first, rest) };
    fleet(&bytes);
    match saved::read(&bytes) {
        Ok(report) => taken_in(&report, &original(first)),
        Err(why) => assert!(!why.is_empty() && !why.contains(char::is_control), "{why:?}"),
    }
});

/// The report of a scenario.
fn original(which: u8) -> Report {
    static PLAYED: LazyLock<Mutex<BTreeMap<usize, Report>>> = LazyLock::new(Mutex::default);
    let all = scenarios::all();
    let index = usize::from(which) % all.len();
    let play = || {
        let scenario = all[index].scenario().unwrap();
        let plan = scenarios::plan(&scenario).unwrap();
        let machine = SimulatedMachine::at(Azure::new(scenario), now());
        judged(engine::examine(&machine, &plan, Limits::default(), &|_| {}).0)
    };
    PLAYED.lock().unwrap().entry(index).or_insert_with(play).clone()
}

fn patched(which: u8, patches: &[u8]) -> Vec<u8> {
    let mut json = serde_json::to_value(original(which)).unwrap();
    for patch in patches.split(|byte| *byte == 0xff).take(16) {
        let [high, low, value @ ..] = patch else { continue };
        let text = || Value::String(String::from_utf8_lossy(value).into_owned());
        let value = serde_json::from_slice(value).unwrap_or_else(|_| text());
        let mut places = 0;
        count(&mut json, &mut |_| places += 1);
        let wanted = usize::from(u16::from_be_bytes([*high, *low])) % places;
        let mut at = 0;
        let mut value = Some(value);
        count(&mut json, &mut |place| {
            if at == wanted
                && let Some(value) = value.take()
            {
                *place = value;
            }
            at += 1;
        });
    }
    json.to_string().into_bytes()
}

/// Shows every value within, from the outside in.
fn count(json: &mut Value, show: &mut impl FnMut(&mut Value)) {
    show(json);
    match json {
        Value::Array(items) => items.iter_mut().for_each(|item| count(item, show)),
        Value::Object(members) => members.values_mut().for_each(|value| count(value, show)),
        _ => {}
    }
}

fn taken_in(report: &Report, original: &Report) {
    let json = promises::of_any(report, false);
    let again = saved::read(json.as_bytes()).expect("it reads what it wrote");
    assert_eq!(render::json::render(&again).unwrap(), json, "taken in twice");
    promises::of_own(&judged(report.evidence.clone()), false);
    for level in [Level::Secrets, Level::Ids] {
        let once = redact(report, level).unwrap();
        let twice = redact(&once.report, level).unwrap();
        let [once_more, first] = [&twice.report, &once.report].map(|report| serde_json::to_string(report).unwrap());
        let at = first.bytes().zip(once_more.bytes()).take_while(|(one, other)| one == other).count();
        let around =
            |text: &str| text.bytes().skip(at.saturating_sub(100)).take(200).map(char::from).collect::<String>();
        assert!(first == once_more, "{level:?} twice: {:?} is then {:?}", around(&first), around(&once_more));
        promises::of_any(&once.report, false);
    }
    for (before, after) in [(report, original), (original, report), (report, report)] {
        let changes = diff::compare(before, after);
        for text in [render::diff::text(&changes, Style::default()), render::diff::markdown(&changes)] {
            let odd = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{text}");
        }
    }
    fleet(ndjson::render(report).unwrap().as_bytes());
}

/// Folds what is in these bytes, as `fleet` does, and writes it in each format.
fn fleet(bytes: &[u8]) {
    let mut fold = Fold::default();
    let keys = fold.keys();
    let mut known = Known::default();
    let mut rows = Vec::new();
    documents::each(bytes, |line, document, Last(last)| {
        let place = Place { file: 0, line, name: Arc::from("rows.ndjson") };
        match row::read(document, &mut known) {
            Ok(report) => rows.push((Ready::new(report, &keys, &place), place)),
            Err(Fault::Short) if !last => return Ended::Early,
            Err(fault) => assert!(!fault.words().contains(char::is_control), "{fault:?}"),
        }
        Ended::Well
    });
    // What was learnt from one report must not change what is read of it.
    let mut second = Known::default();
    for document in bytes.split(|byte| *byte == b'\n') {
        let fresh = row::read(document, &mut Known::default());
        assert_eq!(row::read(document, &mut second), fresh);
    }
    for (ready, place) in &rows {
        fold.add(ready, place);
    }
    if fold.is_empty() {
        return;
    }
    let fleet = Fleet::new(&fold, None);
    for (name, format) in render::fleet::FORMATS {
        let mut text = String::new();
        render::fleet::paint(&fleet, format, Style::default(), &mut text).unwrap();
        let odd = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(odd, None, "{name}");
        if name == "json" {
            serde_json::from_str::<Value>(&text).expect("it is JSON");
            midoctor::fleet::changes::read(&mut serde_json::Deserializer::from_str(&text), &mut Fold::default())
                .expect("it reads its own fold");
        }
    }
}

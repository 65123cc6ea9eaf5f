//! Archives as somebody hands them in: whatever their bytes are, what comes out is no larger than the limit.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use midoctor::{archive, saved};
use midoctor_fuzz::kind;

const LIMIT: u64 = 64 << 10;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = kind(data) else { return };
    match kind % 2 {
        0 => opened(rest),
        _ => packed(rest),
    }
});

fn opened(bytes: &[u8]) {
    let once = archive::report_within(Cursor::new(bytes), LIMIT);
    assert_eq!(once, archive::report_within(Cursor::new(bytes), LIMIT));
    if let Ok(report) = &once {
        assert!(report.len() as u64 <= LIMIT);
        let less = report.len() as u64;
        assert_eq!(archive::report_within(Cursor::new(bytes), less).as_ref(), Ok(report));
        if less > 0 {
            assert_eq!(archive::report_within(Cursor::new(bytes), less - 1), Err(archive::Fault::TooLarge));
        }
    }
    if archive::looks_like_one(bytes)
        && let Err(why) = saved::read(bytes)
    {
        assert!(!why.is_empty() && !why.contains(char::is_control), "{why:?}");
    }
}

/// What is packed comes out again, and a bomb does not.
fn packed(bytes: &[u8]) {
    let zip = archive::pack(&[(archive::MANIFEST, b"{}".to_vec()), (archive::REPORT, bytes.to_vec())]).unwrap();
    assert!(archive::looks_like_one(&zip));
    assert_eq!(archive::report(Cursor::new(&zip)).as_deref(), Ok(bytes));
    let mut bomb = bytes.to_vec();
    bomb.resize(LIMIT as usize + 1 + bytes.len(), b' ');
    let zip = archive::pack(&[(archive::REPORT, bomb)]).unwrap();
    assert_eq!(archive::report_within(Cursor::new(&zip), LIMIT), Err(archive::Fault::TooLarge));
    opened(&zip);
}

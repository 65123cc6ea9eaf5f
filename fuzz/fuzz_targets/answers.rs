//! HTTP bodies, headers and all other outcomes, through the engine, the recorder and the diagnosis to every format. Whatever comes
//! back, the run ends, the report keeps its promises, and a token that was issued is nowhere.

#![no_main]

use libfuzzer_sys::fuzz_target;
use midoctor::engine::{self, Limits};
use midoctor_fuzz::{judged, promises, script};

fuzz_target!(|data: &[u8]| {
    let Some((machine, plan)) = script::read(data) else { return };
    let (evidence, _) = engine::examine(&machine, &plan, Limits::default(), &|_| {});
    assert!(machine.asked() < 5_000, "it was asked {} times", machine.asked());
    promises::of_own(&judged(evidence), true);
});

//! What is said when midoctor itself is at fault. A panic's message can quote what came from the wire, so it is never shown: the
//! place in the source says as much to whoever mends it. It catches nothing.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::output;

/// From here on a panic, in whichever thread, takes away what is half written, says one line, and ends the process as `abort` does
/// (SIGABRT, 134 to a shell), in every build.
pub fn tell_plainly() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    std::panic::set_hook(Box::new(|panic| {
        // Of several at once the first is told of; the others wait for the end.
        while TOLD.swap(true, Ordering::SeqCst) {
            std::thread::park();
        }
        output::abandon();
        let place = panic.location().map(|place| (place.file(), place.line()));
        output::note(&sentence(place));
        std::process::abort();
    }));
}

fn sentence(place: Option<(&str, u32)>) -> String {
    let place = place.map_or_else(|| "an unknown place".to_owned(), |(file, line)| format!("{}:{line}", short(file)));
    format!(
        "midoctor: this is a fault of midoctor {} itself, at {place}, and says nothing about this machine; please report this \
         line with the command line, and with what -o json writes where another run gets that far",
        env!("CARGO_PKG_VERSION")
    )
}

/// The crate's folder and what is below it: where the builder keeps his sources is nobody's business.
fn short(file: &str) -> String {
    let parts: Vec<&str> = Path::new(file).iter().filter_map(|part| part.to_str()).collect();
    let crate_folder = parts.iter().rposition(|part| *part == "src").map_or(0, |src| src.saturating_sub(1));
    parts[crate_folder..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_named_without_the_builders_folders() {
        for (file, named) in [
            ("src/wire/http.rs", "src/wire/http.rs"),
            ("/home/x/.cargo/registry/src/some-registry-1/ureq-3.5.2/src/agent.rs", "ureq-3.5.2/src/agent.rs"),
            ("/rustc/abc/library/core/src/str/mod.rs", "core/src/str/mod.rs"),
            ("odd.rs", "odd.rs"),
        ] {
            assert_eq!(short(file), named);
        }
    }
}

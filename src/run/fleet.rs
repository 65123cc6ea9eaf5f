//! `fleet`: lets several threads read reports and bring them to one fold, and prints what it comes to.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cli::FleetArgs;
use crate::exit::Exit;
use crate::fleet::changes::{self, Since};
use crate::fleet::documents::{self, Ended, Last};
use crate::fleet::fold::{Fold, Keys, Place, Ready};
use crate::fleet::known::Known;
use crate::fleet::row::{self, Fault};
use crate::fleet::summary::Fleet;
use crate::fleet::tame::tame;
use crate::gather::{self, Origin, Piece, Supply};
use crate::output;
use crate::outputs::Outputs;
use crate::render;
use crate::render::fleet::FORMATS;

use super::bar::Bar;
use super::publish;

/// More threads than this would wait for each other.
const THREADS: usize = 8;
/// A buffer that had to grow beyond this is not kept.
const KEPT: usize = 4 << 20;

/// Does what was typed.
pub fn fleet(args: &FleetArgs) -> Result<Exit, String> {
    let outputs = Outputs::read(&args.output, &FORMATS, args.color.color)?;
    let read: Vec<&Path> = args.reports.iter().map(|name| name.as_path()).collect();
    publish::not_over(&outputs, &read)?;
    let opened = publish::open(&outputs, |_| false)?;
    let earlier = args.since.as_deref().map(gather::Earlier::open).transpose()?;
    let supply = Supply::new(&args.reports)?;
    if args.reports.iter().any(|name| name.as_os_str() == "-") && std::io::stdin().is_terminal() {
        output::note("Reading reports from standard input.");
    }
    let mut fold = fold(supply);
    if fold.is_empty() {
        return Err(nothing(&fold, &args.reports));
    }
    let since: Option<Since> = match earlier {
        Some(mut earlier) => Some(earlier.read(|json| changes::read(json, &mut fold))?),
        None => None,
    };
    let fleet = Fleet::new(&fold, since);
    publish::stream(opened, |format, style, out| render::fleet::paint(&fleet, format, style, out))?;
    Ok(fleet.exit())
}

/// Reads everything.
fn fold(supply: Supply) -> Fold {
    let bar = Bar::new(supply.size);
    let (supply, fold) = (Mutex::new(supply), Mutex::new(Fold::default()));
    let keys = lock(&fold).keys();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, THREADS);
    let work = || {
        let mut buffer = Vec::new();
        let mut known = Known::default();
        loop {
            let piece = lock(&supply).next(&mut buffer);
            match piece {
                None => return,
                Some(Piece::Fault(fault, place)) => lock(&fold).fault(&fault, place),
                Some(Piece::Bytes(origin)) => take_in(&buffer, &origin, &fold, &keys, &mut known),
                Some(Piece::File(path, origin)) => match gather::load(&path, &mut buffer) {
                    Ok(()) => take_in(&buffer, &origin, &fold, &keys, &mut known),
                    Err(fault) => lock(&fold).fault(&expected(fault, &origin), origin.place),
                },
            }
            bar.advance(buffer.len());
            if buffer.capacity() > KEPT {
                buffer = Vec::new();
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where no more threads can be had, fewer do it.
            drop(std::thread::Builder::new().spawn_scoped(scope, work));
        }
        work();
    });
    bar.end();
    fold.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Folds the documents of a piece. They are made ready first, so that the fold is held for moments only.
fn take_in(bytes: &[u8], origin: &Origin, fold: &Mutex<Fold>, keys: &Keys, known: &mut Known) {
    let mut ready = Vec::new();
    let mut faults = Vec::new();
    let mut other = false;
    documents::each(bytes, |line, document, Last(last)| {
        if other {
            return Ended::Well;
        }
        let place = Place { line: origin.place.line + line, ..origin.place.clone() };
        match row::read(document, known) {
            Ok(report) => ready.push((Ready::new(report, keys, &place), place)),
            Err(Fault::Short) if !last => return Ended::Early,
            // A file that begins with something else and names no report is something else, where nobody said that it holds reports.
            Err(Fault::Other(why))
                if !origin.expected
                    && ready.is_empty()
                    && faults.is_empty()
                    && origin.place.line == 0
                    && !documents::names_a_report(bytes) =>
            {
                other = true;
                faults.push((Fault::Other(why), origin.place.clone()));
            }
            Err(fault) => faults.push((as_broken(fault), place)),
        }
        Ended::Well
    });
    let mut fold = lock(fold);
    for (ready, place) in &ready {
        fold.add(ready, place);
    }
    for (fault, place) in faults {
        fold.fault(&fault, place);
    }
}

/// What was named on the command line should be a report.
fn expected(fault: Fault, origin: &Origin) -> Fault {
    if origin.expected { as_broken(fault) } else { fault }
}

fn as_broken(fault: Fault) -> Fault {
    match fault {
        Fault::Other(why) => Fault::Broken(why),
        fault => fault,
    }
}

/// Why there is no fold.
fn nothing(fold: &Fold, names: &[std::path::PathBuf]) -> String {
    let names: Vec<String> = names.iter().take(3).map(|name| tame(&name.display().to_string()).into_owned()).collect();
    let names = names.join(", ");
    let first = |named: &crate::fleet::fold::Named| {
        named.first.first_key_value().map(|(place, why)| format!("{}: {why}", place.in_words())).unwrap_or_default()
    };
    match (fold.broken.count, fold.others.count) {
        (0, 0) => format!("{names}: there is no report in it; give files that midoctor -o json or -o ndjson wrote"),
        (0, others) => format!(
            "{names}: there is no report in it, but {others} other file{} ({}); give files that midoctor -o json or -o ndjson wrote",
            if others == 1 { "" } else { "s" },
            first(&fold.others)
        ),
        (broken, _) => format!(
            "{names}: no report can be read; {} broken, such as {}",
            if broken == 1 { "1 is".to_owned() } else { format!("{broken} are") },
            first(&fold.broken)
        ),
    }
}

//! `explain`: prints a page, or reads a text, has it looked through, and prints the cause.

use std::io::IsTerminal;

use crate::cli::ExplainArgs;
use crate::engine::Limits;
use crate::exit::Exit;
use crate::explain::answer::Answer;
use crate::explain::scan::{Scanner, Seen};
use crate::explain::{self, cause, shown};
use crate::input::Source;
use crate::options::{ExplainOptions, Explained};
use crate::output;
use crate::outputs::Plain;
use crate::plan::Plan;
use crate::render::json;

use super::bar::Bar;
use super::{examination, publish};

/// So many bytes are read at once.
const CHUNK: usize = 128 << 10;

/// Does what was typed.
pub fn explain(args: &ExplainArgs) -> Result<Exit, String> {
    let options = ExplainOptions::read(args)?;
    let style = super::terminal::style(options.output.color);
    let seen = match &options.what {
        Explained::All => {
            options.for_a_page()?;
            return output::print(&explain::list(style)).map(|()| Exit::Healthy);
        }
        Explained::Word(word) => match explain::word(word, style) {
            Ok(page) => {
                options.for_a_page()?;
                return output::print(&page).map(|()| Exit::Healthy);
            }
            Err(why) if explain::is_near(word) => return Err(why),
            // An error number, or a body without white space.
            Err(why) => Some(look_through_text(word)?).filter(|seen| !seen.sightings.is_empty()).ok_or(why)?,
        },
        Explained::Text(text) => look_through_text(text)?,
        Explained::Input => {
            if std::io::stdin().is_terminal() {
                let keys = if cfg!(windows) { "Ctrl-Z and Enter" } else { "Ctrl-D" };
                output::note(&format!("Paste the text, then press {keys} on a line of its own."));
            }
            look_through(Source::stdin())?
        }
        Explained::File(path) => look_through(Source::open(path)?)?,
    };
    answer(seen, &options)
}

fn answer(seen: Seen, options: &ExplainOptions) -> Result<Exit, String> {
    let opened = publish::open(&options.output, |_| false)?;
    if seen.left_out > 0 {
        let left_out = seen.left_out;
        output::note(&format!(
            "midoctor: {left_out} more places that could hold an error were not judged; cut the log to what matters"
        ));
    }
    let mut answer = Answer::new(seen);
    if options.and_check {
        answer.check(&examination::at_once(&Plan::default(), Limits::default()));
    }
    publish::publish(opened, |format, style| match format {
        Plain::Text => Ok(shown::render(&answer, style)),
        Plain::Json => json::pretty(&answer),
    })?;
    Ok(if answer.matches.is_empty() { Exit::Undetermined } else { Exit::Healthy })
}

fn look_through_text(text: &str) -> Result<Seen, String> {
    let triggers = cause::triggers();
    let mut scanner = Scanner::new(&triggers, &cause::causes);
    scanner.feed(text.as_bytes())?;
    scanner.finish()
}

fn look_through(mut source: Source) -> Result<Seen, String> {
    let triggers = cause::triggers();
    let mut scanner = Scanner::new(&triggers, &cause::causes);
    let bar = Bar::new(source.size);
    let mut chunk = vec![0; CHUNK];
    loop {
        match source.read(&mut chunk)? {
            0 => break,
            read => {
                scanner.feed(&chunk[..read])?;
                bar.advance(read);
            }
        }
    }
    let seen = scanner.finish();
    bar.end();
    seen
}

//! `check --sources`: reads the environment and looks for a few files, and prints what each client would do. No network.

use std::collections::BTreeSet;

use crate::clients::{self, Setting};
use crate::engine;
use crate::evidence::{Outcome, Request};
use crate::exit::Exit;
use crate::options::{CheckOptions, Format};
use crate::output;
use crate::render::sources::{Environment, SCHEMA, Sources, text};
use crate::render::{json, style::Style};
use crate::wire::Machine;

/// Does what was typed.
///
/// # Errors
/// A sentence that says which file cannot be written.
pub fn sources(options: &CheckOptions) -> Result<Exit, String> {
    let targets = super::open(&options.output)?;
    let sources = look(options);
    for (format, target) in targets {
        let painted = |style| match format {
            Format::Text => Ok(text(&sources, style)),
            Format::Json => json::pretty(&sources),
        };
        match target {
            Some(target) => target.write(&painted(Style::default())?)?,
            None => output::print(&painted(super::style(options.output.color))?)?,
        }
    }
    Ok(if sources.environment.incomplete { Exit::Undetermined } else { Exit::Healthy })
}

fn look(options: &CheckOptions) -> Sources {
    let of = options.plan.environment.clone();
    let machine = Machine::new(of.clone());
    let environment = Request::Environment { of: of.clone() };
    let agent = Request::presence(clients::arc_agent());
    let questions = vec![environment.clone(), agent.clone()];
    let evidence = engine::ask_locally(&machine, &options.plan, options.limits, questions);
    let files: BTreeSet<String> = match evidence.outcome(&agent) {
        Some(Outcome::Present) => BTreeSet::from([clients::arc_agent().to_owned()]),
        _ => BTreeSet::new(),
    };
    let (variables, unread) = match evidence.outcome(&environment) {
        Some(Outcome::Variables { set, unit }) => {
            (Some(set.clone()), unit.as_ref().map(|unit| unit.unread.clone()).unwrap_or_default())
        }
        Some(Outcome::Failed(failed)) => (None, vec![failed.detail.clone()]),
        _ => (None, vec!["the environment was not read".to_owned()]),
    };
    let clients =
        variables.as_ref().map(|variables| clients::table(&Setting { variables, files: &files })).unwrap_or_default();
    let incomplete = !evidence.outcome(&environment).is_some_and(Outcome::is_whole_environment);
    let environment = Environment { of, variables, files: files.into_iter().collect(), unread, incomplete };
    Sources { schema: SCHEMA, environment, clients }
}

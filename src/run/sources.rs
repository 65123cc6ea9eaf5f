//! `check --sources`: reads the environment and looks for a few files, and prints what each client would do. No network.

use std::collections::BTreeSet;

use crate::cli::OutputArgs;
use crate::clients::{self, Setting};
use crate::engine;
use crate::evidence::{Outcome, Request};
use crate::exit::Exit;
use crate::options::ExamineOptions;
use crate::outputs::{Outputs, PLAIN, Plain};
use crate::render::json;
use crate::render::sources::{Environment, SCHEMA, Sources, text};
use crate::wire::Machine;

use super::publish;

/// Does what was typed.
///
/// # Errors
/// A sentence that says which file cannot be written.
pub fn sources(options: &ExamineOptions, output: &OutputArgs) -> Result<Exit, String> {
    let outputs = Outputs::read(&output.output, &PLAIN, output.color.color)?;
    let opened = publish::open(&outputs, |_| false)?;
    let sources = look(options);
    publish::publish(opened, |format, style| match format {
        Plain::Text => Ok(text(&sources, style)),
        Plain::Json => json::pretty(&sources),
    })?;
    Ok(if sources.environment.incomplete { Exit::Undetermined } else { Exit::Healthy })
}

fn look(options: &ExamineOptions) -> Sources {
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

//! What a run is to do: what was typed, and, with `--config`, what a file says where nothing was typed.

use crate::cli::{ExamineArgs, OutputArgs};
use crate::config::{self, Config, Origins};
use crate::input::Source;
use crate::options::ExamineOptions;

/// What was typed and what the file says, as one.
pub struct Settings {
    /// What to examine, and for how long.
    pub options: ExamineOptions,
    /// How to print.
    pub output: OutputArgs,
    /// Which of these came from the file, for complaints that come later.
    pub origins: Origins,
    /// Did somebody say what makes a run fail?
    pub names_fail_on: bool,
}

impl Settings {
    /// Reads the flags and the file that they name, and makes sure that there is the process or unit that is meant.
    ///
    /// # Errors
    /// A sentence that says what is wrong, where, and what is accepted.
    pub fn read(examine: &ExamineArgs, output: &OutputArgs) -> Result<Self, String> {
        let all = Self::for_saved_evidence(examine, output)?;
        super::there_is(&all.options.plan.environment).map_err(|why| all.origins.blame(why))?;
        Ok(all)
    }

    /// The same where nothing of this machine is looked at, so that nothing has to be there.
    ///
    /// # Errors
    /// A sentence that says what is wrong, where, and what is accepted.
    pub fn for_saved_evidence(examine: &ExamineArgs, output: &OutputArgs) -> Result<Self, String> {
        let (mut examine, mut output) = (examine.clone(), output.clone());
        let (mut origins, mut ignores) = (Origins::default(), Vec::new());
        if let Some(path) = &examine.config {
            let source = Source::open(path)?;
            let name = source.name().to_owned();
            let mut config = Config::read(&name, &source.text(config::LIMIT)?)?;
            ignores = std::mem::take(&mut config.ignores);
            origins = config.fill_in(&mut examine, &mut output);
        }
        let read = ExamineOptions::read(&examine, output.verbose);
        let mut options = read.map_err(|why| origins.blame(why))?;
        options.plan.ignores = ignores;
        Ok(Self { options, output, origins, names_fail_on: examine.fail_on.is_some() })
    }
}

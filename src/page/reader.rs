//! From Markdown to a page: headings open sections, lists and fences fill them. Whatever is out of place is an error that names it.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};

use crate::check::Severity;

use super::{Block, Command, Heals, Page, Place, Section, Shell, Waits};

/// Reads a page.
///
/// # Errors
/// A sentence that says what is wrong and where.
pub fn parse(markdown: &str) -> Result<Page, String> {
    let mut reader = Reader::default();
    for event in Parser::new(markdown) {
        reader.event(event)?;
    }
    reader.finish()
}

/// Where in the page the reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Room {
    #[default]
    Intro,
    Healthy,
    Head,
    Seen,
    Meaning,
    Tell,
    Fix,
    Read,
    Symptoms,
    Example,
}

impl Room {
    fn named(heading: &str) -> Option<Self> {
        Some(match heading {
            "Seen" => Self::Seen,
            "Meaning" => Self::Meaning,
            "How to tell" => Self::Tell,
            "Fix" => Self::Fix,
            "Read on" => Self::Read,
            "Symptoms" => Self::Symptoms,
            "Example" => Self::Example,
            _ => return None,
        })
    }
}

#[derive(Default)]
struct Reader {
    title: String,
    intro: Vec<Block>,
    healthy: String,
    sections: Vec<Section>,
    room: Room,
    text: String,
    heading: Option<HeadingLevel>,
    in_item: bool,
    fence: Option<String>,
}

impl Reader {
    fn event(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.text.clear();
                self.heading = Some(level);
            }
            Event::End(TagEnd::Heading(level)) => {
                self.heading = None;
                let text = std::mem::take(&mut self.text);
                return self.enter(level, &text);
            }
            Event::Start(Tag::Item) => {
                self.text.clear();
                self.in_item = true;
            }
            Event::End(TagEnd::Item) => {
                self.in_item = false;
                let text = std::mem::take(&mut self.text);
                return self.item(text.trim());
            }
            Event::Start(Tag::Paragraph) if !self.in_item => self.text.clear(),
            Event::End(TagEnd::Paragraph) if !self.in_item => {
                let text = std::mem::take(&mut self.text);
                return self.paragraph(text.trim());
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                self.text.clear();
                self.fence = Some(info.to_string());
            }
            Event::End(TagEnd::CodeBlock) => {
                let info = self.fence.take().unwrap_or_default();
                let text = std::mem::take(&mut self.text);
                return self.code(&info, &text);
            }
            Event::Text(text) => self.text.push_str(&text),
            Event::Code(code) if self.heading.is_some() => self.text.push_str(&code),
            Event::Code(code) => {
                self.text.push('`');
                self.text.push_str(&code);
                self.text.push('`');
            }
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, level: HeadingLevel, text: &str) -> Result<(), String> {
        match level {
            HeadingLevel::H1 => self.title = text.into(),
            HeadingLevel::H2 if text == "Healthy" => self.room = Room::Healthy,
            HeadingLevel::H2 => {
                self.room = Room::Head;
                self.sections.push(Section { code: text.into(), ..Section::default() });
            }
            _ => self.room = Room::named(text).ok_or_else(|| self.wrong(&format!("no section is called “{text}”")))?,
        }
        Ok(())
    }

    fn paragraph(&mut self, text: &str) -> Result<(), String> {
        let block = Block::Text(text.into());
        let room = self.room;
        match (room, self.sections.last_mut()) {
            (Room::Intro, _) => self.intro.push(block),
            (Room::Healthy, _) => self.healthy = text.into(),
            (Room::Head, Some(section)) => section.title = text.into(),
            (Room::Seen, Some(section)) => section.seen = text.into(),
            (Room::Meaning, Some(section)) => section.meaning.push(block),
            (Room::Tell, Some(section)) => section.tell.push(block),
            // Prose beside an example explains it to readers of the page.
            (Room::Example, Some(_)) => {}
            _ => return Err(self.wrong(&format!("no paragraph belongs here: “{text}”"))),
        }
        Ok(())
    }

    fn item(&mut self, text: &str) -> Result<(), String> {
        let wrong = self.wrong(&format!("no list item belongs here: “{text}”"));
        let room = self.room;
        match (room, self.sections.last_mut()) {
            (Room::Intro, _) => self.intro.push(Block::Item(text.into())),
            (Room::Head, Some(section)) => return section.head(text),
            (Room::Meaning, Some(section)) => section.meaning.push(Block::Item(text.into())),
            (Room::Tell, Some(section)) => section.tell.push(Block::Item(text.into())),
            (Room::Fix, Some(section)) => section.steps.push(text.into()),
            (Room::Read, Some(section)) => section.docs.push(text.into()),
            (Room::Symptoms, Some(section)) => section.symptoms.push(text.into()),
            _ => return Err(wrong),
        }
        Ok(())
    }

    fn code(&mut self, info: &str, text: &str) -> Result<(), String> {
        let wrong = self.wrong(&format!("no fence “{info}” belongs here"));
        let room = self.room;
        match (room, self.sections.last_mut()) {
            (Room::Fix, Some(section)) => {
                let (shell, place) = info.split_once(' ').ok_or_else(|| wrong.clone())?;
                let shell = match shell {
                    "az" => Shell::Az,
                    "pwsh" => Shell::Pwsh,
                    "sh" => Shell::Sh,
                    _ => return Err(wrong),
                };
                let place = match place {
                    "vm" => Place::Vm,
                    "operator" => Place::Operator,
                    "application" => Place::Application,
                    _ => return Err(wrong),
                };
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                section.commands.extend(lines.map(|line| Command { shell, place, line: line.into() }));
            }
            (Room::Example, Some(section)) => {
                let example = section.example.get_or_insert_default();
                match info {
                    "toml" if example.toml.is_none() => example.toml = Some(text.into()),
                    "http" => example.http.push(text.into()),
                    _ => return Err(wrong),
                }
            }
            _ => return Err(wrong),
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> String {
        let place = self.sections.last().map_or("before the first code", |section| &section.code);
        format!("{}, {place}, {:?}: {what}", self.title, self.room)
    }

    fn finish(self) -> Result<Page, String> {
        for section in &self.sections {
            let missing = [
                ("title", section.title.is_empty()),
                ("severity", section.severity.is_none()),
                ("Seen", section.seen.is_empty()),
                ("Meaning", section.meaning.is_empty()),
                ("How to tell", section.tell.is_empty()),
                ("Fix", section.steps.is_empty()),
                ("Read on", section.docs.is_empty()),
            ];
            if let Some((what, _)) = missing.iter().find(|(_, missing)| *missing) {
                return Err(format!("{}, {}: {what} is missing", self.title, section.code));
            }
        }
        if self.title.is_empty() || self.intro.is_empty() {
            return Err(format!("“{}” lacks its title or its introduction", self.title));
        }
        Ok(Page { title: self.title, intro: self.intro, healthy: self.healthy, sections: self.sections })
    }
}

impl Section {
    /// One line of the list at the head of a section.
    fn head(&mut self, item: &str) -> Result<(), String> {
        let wrong = || format!("{}: “{item}” is not one of Severity, Heals, Waits, Emitted", self.code);
        let (key, value) = item.split_once(": ").ok_or_else(wrong)?;
        match (key, value) {
            ("Severity", "error") => self.severity = Some(Severity::Error),
            ("Severity", "warning") => self.severity = Some(Severity::Warning),
            ("Emitted", "by the check") => self.client_only = false,
            ("Emitted", "seen only in client output") => self.client_only = true,
            ("Heals", value) => {
                let (word, how) = value.split_once(" — ").unwrap_or((value, ""));
                self.heals = match word {
                    "no" => Heals::No,
                    "transient" => Heals::Transient,
                    "propagation" => Heals::Propagation,
                    _ => return Err(wrong()),
                };
                self.heals_how = how.into();
            }
            ("Waits", value) => {
                let (bound, why) = value.split_once(" — ").ok_or_else(wrong)?;
                let bound = humantime::parse_duration(bound).map_err(|_| wrong())?;
                self.waits = Some(Waits { bound, why: why.into() });
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_page_is_named() {
        for (page, complaint) in [
            ("# T\n\nIntro.\n\n## `c`\n\nTitle.\n", "T, c: severity is missing"),
            (
                "# T\n\nIntro.\n\n## `c`\n\nTitle.\n\n- Severity: grave\n",
                "c: “Severity: grave” is not one of Severity, Heals, Waits, Emitted",
            ),
            (
                "# T\n\nIntro.\n\n## `c`\n\nTitle.\n\n- Waits: 10m\n",
                "c: “Waits: 10m” is not one of Severity, Heals, Waits, Emitted",
            ),
            ("# T\n\nIntro.\n\n## `c`\n\n### Cure\n", "T, c, Head: no section is called “Cure”"),
            ("", "“” lacks its title or its introduction"),
        ] {
            assert_eq!(parse(page).err().as_deref(), Some(complaint));
        }
    }
}

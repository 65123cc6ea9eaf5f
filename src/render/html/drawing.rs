//! Lines for the drawings: paths in SVG's language. Knows lengths and nothing else.

use std::fmt::Write;

/// A path of straight lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// Lifts the pen.
    pub fn to(&mut self, x: i32, y: i32) -> &mut Self {
        self.add('M', x, y)
    }

    /// Draws to here.
    pub fn line(&mut self, x: i32, y: i32) -> &mut Self {
        self.add('L', x, y)
    }

    /// The head of an arrow that ends here, pointing right or left; to be filled.
    pub fn head(&mut self, x: i32, y: i32, right: bool) -> &mut Self {
        let back = if right { x - 8 } else { x + 8 };
        self.to(back, y - 5).line(x, y).line(back, y + 5);
        self.0.push('Z');
        self
    }

    fn add(&mut self, letter: char, x: i32, y: i32) -> &mut Self {
        // Writing to a text does not fail.
        let _ = write!(self.0, "{letter}{x} {y}");
        self
    }

    /// As SVG's `d` wants it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

//! The chain of checks as it is, drawn: stages as columns (on a narrow screen below each other), one box per check with how its
//! rows ended, and a line from each check that stood in the way to those that it stopped. Places only; the marks are in the template.
//!
//! A box stands for all rows of its check, so that the drawing is as large for sixty rows as for thirteen.

use crate::check::Status;
use crate::report::{CheckReport, Report};
use crate::words::plural;

use super::drawing::Path;
use super::view::{by_check, ended, sign, tally, tally_in_words};

/// Both drawings and what they say in words.
#[derive(Debug)]
pub struct Chain {
    /// Stages side by side.
    pub wide: Drawing,
    /// Stages below each other.
    pub tall: Drawing,
    /// What stopped what, one sentence per check that stood in the way.
    pub sentences: Vec<(String, String)>,
}

/// One drawing; lengths are in pixels.
#[derive(Debug, Default)]
pub struct Drawing {
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// The stages' titles.
    pub titles: Vec<(i32, i32, &'static str)>,
    /// What leads from one stage to the next.
    pub steps: Path,
    /// The boxes.
    pub boxes: Vec<Node>,
    /// One line with its arrow heads per check that stood in the way; each has its own pattern.
    pub lines: Vec<(Path, Path)>,
}

/// The box of one check.
#[derive(Clone, Debug)]
pub struct Node {
    /// The check's name.
    pub id: String,
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Height; the width is the drawing's own.
    pub height: i32,
    /// The worst of its rows' endings.
    pub status: Status,
    /// Did it find the root cause?
    pub is_root: bool,
    /// How its rows ended, in a line, and under it a code or what stopped it.
    pub lines: Vec<String>,
    /// One sign per row, where there are several and not too many.
    pub marks: Vec<(i32, i32, Status)>,
    /// Everything, for whoever points at it.
    pub whole: String,
    column: usize,
    stage: &'static str,
}

/// Width of a box.
pub const WIDTH: i32 = 178;
const HEAD: i32 = 30;
const GAP: i32 = 12;
/// Between two lanes of lines.
const LANE: i32 = 7;
/// Signs in a row of a box, and rows of them.
const MARKS: (usize, usize) = (12, 3);
/// Characters that surely fit in a box.
const LETTERS: usize = 25;

/// Draws what the report says.
pub fn chain(report: &Report) -> Chain {
    let groups = by_check(report);
    let mut stages: Vec<_> = groups.iter().filter_map(|(_, rows)| rows.first().map(|row| row.stage)).collect();
    stages.sort_unstable();
    stages.dedup();
    let mut nodes: Vec<Node> = groups.iter().map(|(id, rows)| node(report, id, rows)).collect();
    for (node, (_, rows)) in nodes.iter_mut().zip(&groups) {
        node.column = stages.iter().position(|stage| rows.first().is_some_and(|row| row.stage == *stage)).unwrap_or(0);
    }
    let blocks = blocks(&groups);
    let titles: Vec<&'static str> = stages.iter().map(|stage| stage.title()).collect();
    let sentences = blocks.iter().map(|(id, stopped)| {
        let checks: Vec<String> = stopped
            .iter()
            .map(|(id, rows)| if *rows > 1 { format!("{id} ({rows})") } else { (*id).to_owned() })
            .collect();
        ((*id).to_owned(), format!("stopped {}: {}", plural(stopped.len() as u64, "check"), checks.join(", ")))
    });
    let sentences = sentences.collect();
    let edges: Vec<(usize, Vec<usize>)> = blocks
        .iter()
        .filter_map(|(by, stopped)| {
            let at = |id: &str| groups.iter().position(|(known, _)| *known == id);
            Some((at(by)?, stopped.iter().filter_map(|(id, _)| at(id)).collect()))
        })
        .collect();
    Chain { wide: wide(nodes.clone(), &titles, &edges), tall: tall(nodes, &edges), sentences }
}

/// Each check that stood in the way, with those that it stopped and in how many rows.
fn blocks<'a>(groups: &[(&'a str, Vec<&'a CheckReport>)]) -> Vec<(&'a str, Vec<(&'a str, usize)>)> {
    let mut all: Vec<(&str, Vec<(&str, usize)>)> = Vec::new();
    for (id, rows) in groups {
        for by in rows.iter().filter_map(|row| row.blocked_by.as_deref()) {
            let index = all.iter().position(|(known, _)| *known == by).unwrap_or_else(|| {
                all.push((by, Vec::new()));
                all.len() - 1
            });
            match all[index].1.last_mut().filter(|(last, _)| last == id) {
                Some((_, count)) => *count += 1,
                None => all[index].1.push((id, 1)),
            }
        }
    }
    all
}

fn node(report: &Report, id: &str, rows: &[&CheckReport]) -> Node {
    let tally = tally(rows);
    let status = tally.first().map_or(Status::Skip, |(status, _)| *status);
    let mut codes: Vec<&str> = rows
        .iter()
        .filter(|row| row.status == status)
        .flat_map(|row| row.findings.iter().map(|found| found.code.as_str()))
        .collect();
    codes.dedup();
    let is_root = status == Status::Fail && report.root_cause.as_deref().is_some_and(|root| codes.contains(&root));
    let mut by: Vec<&str> = rows.iter().filter_map(|row| row.blocked_by.as_deref()).collect();
    by.dedup();
    let mut lines = Vec::new();
    lines.push(match (rows, by.as_slice()) {
        ([_], [by]) => short(&format!("{} by {by}", ended(status))),
        ([_], _) => ended(status).to_owned(),
        _ => short(&tally_in_words(&tally)),
    });
    if let Some(first) = codes.first() {
        let more = if codes.len() > 1 { format!(" +{}", codes.len() - 1) } else { String::new() };
        lines.push(short(&format!("{first}{more}")));
    } else if rows.len() > 1 && !by.is_empty() {
        lines.push(short(&format!("by {}", by.join(", "))));
    }
    let summaries: Vec<&str> = rows.iter().map(|row| row.summary.as_str()).take(5).collect();
    let rest = rows.len() - summaries.len();
    let more = if rest > 0 { format!(" … and {rest} more") } else { String::new() };
    let mut node = Node {
        id: cut(id, LETTERS * 2 / 3),
        x: 0,
        y: 0,
        height: 0,
        status,
        is_root,
        whole: format!("{id}: {}{more}", summaries.join("; ")),
        lines,
        marks: Vec::new(),
        column: 0,
        stage: rows.first().map_or("", |row| row.stage.title()),
    };
    let (across, down) = MARKS;
    let top = 30 + 17 * node.lines.len() as i32;
    if rows.len() > 1 && rows.len() <= across * down {
        let place = |index: usize| (16 + 13 * (index % across) as i32, top + 12 + 15 * (index / across) as i32);
        node.marks = rows.iter().enumerate().map(|(index, row)| (place(index).0, place(index).1, row.status)).collect();
    }
    let marks = node.marks.len().div_ceil(across) as i32;
    node.height = top + 6 + if marks > 0 { 15 * marks + 4 } else { 0 };
    node
}

/// What fits in a box.
fn short(text: &str) -> String {
    cut(text, LETTERS)
}

fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn wide(mut nodes: Vec<Node>, titles: &[&'static str], edges: &[(usize, Vec<usize>)]) -> Drawing {
    let lanes = edges.len() as i32;
    let gutter = 34 + LANE * lanes;
    let top = HEAD + 14 + LANE * lanes;
    let mut bottoms = vec![top; titles.len()];
    for node in &mut nodes {
        node.x = 1 + node.column as i32 * (WIDTH + gutter);
        node.y = bottoms[node.column];
        bottoms[node.column] += node.height + GAP;
    }
    let mut drawing = Drawing::default();
    for (column, title) in titles.iter().enumerate() {
        let x = 1 + column as i32 * (WIDTH + gutter);
        drawing.titles.push((x, 18, title));
        if column + 1 < titles.len() {
            let start = x + 10 + 9 * title.chars().count() as i32;
            let end = x + WIDTH + gutter - 8;
            drawing.steps.to(start, 13).line(end, 13).head(end, 13, true);
        }
    }
    drawing.lines = lines(&nodes, edges, gutter, HEAD + 6);
    let last = titles.len().saturating_sub(1);
    // Right of the last column only what ends there is drawn.
    let beyond =
        edges.iter().any(|(_, to)| to.iter().any(|to| nodes[*to].column == last && turns_back(&nodes, edges, *to)));
    drawing.width = titles.len() as i32 * (WIDTH + gutter) - if beyond { 0 } else { gutter } + 2;
    drawing.height = bottoms.into_iter().max().unwrap_or(top) - GAP + 2;
    drawing.boxes = nodes;
    drawing
}

fn turns_back(nodes: &[Node], edges: &[(usize, Vec<usize>)], target: usize) -> bool {
    edges.iter().any(|(from, to)| to.contains(&target) && nodes[*from].column >= nodes[target].column)
}

fn tall(mut nodes: Vec<Node>, edges: &[(usize, Vec<usize>)]) -> Drawing {
    let mut drawing = Drawing::default();
    let (mut y, mut last) = (0, "");
    // Stages in their order, each check under its own.
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|index| nodes[*index].column);
    for index in order {
        let node = &mut nodes[index];
        if node.stage != last {
            last = node.stage;
            drawing.titles.push((1, y + 18, last));
            y += HEAD;
        }
        (node.x, node.y, node.column) = (1, y, 0);
        y += node.height + GAP;
    }
    let gutter = 34 + LANE * edges.len() as i32;
    drawing.lines = lines(&nodes, edges, gutter, 0);
    (drawing.width, drawing.height) = (WIDTH + gutter, y - GAP + 2);
    drawing.boxes = nodes;
    drawing
}

/// One line per check that stood in the way. It leaves its box on the right, goes up into a lane of its own above all boxes where
/// it has to pass columns, and enters each stopped box from the left, or from the right where that stands no further on.
fn lines(nodes: &[Node], edges: &[(usize, Vec<usize>)], gutter: i32, lanes_at: i32) -> Vec<(Path, Path)> {
    let each = edges.iter().enumerate().map(|(lane, (from, to))| {
        let lane = lane as i32;
        let source = &nodes[*from];
        let shift = LANE * lane;
        let above = lanes_at + shift;
        let lane_of = |column: usize| 1 + column as i32 * (WIDTH + gutter) + WIDTH + 14 + shift;
        // Two lines at one box do not lie on each other, nor do two that enter neighbours from either side.
        let at = |node: &Node, onward: bool| node.y + if onward { 15 } else { 19 } + shift % (node.height - 28).max(1);
        let start = at(source, true);
        let (mut line, mut heads) = (Path::default(), Path::default());
        for target in to.iter().filter(|target| *target != from).map(|target| &nodes[*target]) {
            let onward = target.column > source.column;
            let (enter, end) = if onward { (target.column - 1, target.x) } else { (target.column, target.x + WIDTH) };
            let end_y = at(target, onward);
            line.to(source.x + WIDTH, start).line(lane_of(source.column), start);
            if enter != source.column {
                line.line(lane_of(source.column), above).line(lane_of(enter), above);
            }
            line.line(lane_of(enter), end_y).line(end, end_y);
            heads.head(end, end_y, onward);
        }
        (line, heads)
    });
    each.collect()
}

impl Chain {
    /// Both drawings with the classes that show one of them.
    pub fn shapes(&self) -> [(&'static str, &Drawing); 2] {
        [("wide", &self.wide), ("tall", &self.tall)]
    }
}

impl Node {
    /// The sign of its status.
    pub fn sign(&self) -> &'static str {
        sign(self.status)
    }
}

//! What it looks like. Draws into a buffer and nothing else; every text of others was cleaned before or is here.

mod head;
mod table;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Paragraph, Widget};

use super::board::Kept;
use super::model::Model;
use super::rows::Table;
use crate::output::{ago, clean};

const KEYS: &str = "tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit";
/// Lines above the members: the cluster, the rates, one that is empty.
const HEAD: u16 = 3;
/// Rows of a table in plain text: for all of them there is JSON.
const PLAIN_ROWS: u16 = 20;

/// How things are set off. Without colours by weight alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) colour: bool,
}

impl Palette {
    fn alarm(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if self.colour {
            bold.fg(Color::Red)
        } else {
            bold
        }
    }

    fn faint(self) -> Style {
        if self.colour {
            Style::new().fg(Color::DarkGray)
        } else {
            Style::new()
        }
    }

    fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

/// What is drawn into, how, and when.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) palette: Palette,
    /// Counted from when this program began.
    pub(super) now: Duration,
}

/// Draws everything for a screen.
pub(super) fn screen(model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
    let members = head::members_height(&model.board);
    let [head, list, tabs, table, foot] = Layout::vertical([
        Constraint::Length(HEAD),
        Constraint::Length(members),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    canvas.head(&model.board, model.paused, head);
    canvas.members(&model.board, list);
    canvas.tabs(model, tabs);
    canvas.table(model, model.table, table);
    let keys = Paragraph::new(KEYS).style(canvas.palette.faint());
    keys.render(foot, canvas.buffer);
    if let Some(detail) = &model.detail {
        canvas.detail(detail, area);
    }
}

/// Everything, one table under the other, as lines of plain text.
pub(super) fn plain(model: &Model, now: Duration, width: u16) -> String {
    let members = head::members_height(&model.board);
    let heights = Table::ALL.map(|table| {
        // With an empty line, a title, what is wrong with it, and a header.
        u16::try_from(model.rows(table).len()).map_or(PLAIN_ROWS, |rows| rows.min(PLAIN_ROWS)) + 4
    });
    let height = HEAD + members + heights.iter().sum::<u16>();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let mut canvas = Canvas {
        buffer: &mut buffer,
        palette: Palette { colour: false },
        now,
    };
    let mut y = 0;
    let mut place = |height: u16| {
        let area = Rect::new(0, y, width, height);
        y += height;
        area
    };
    canvas.head(&model.board, false, place(HEAD));
    canvas.members(&model.board, place(members));
    for (table, height) in Table::ALL.into_iter().zip(heights) {
        let [_, title, area] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(1),
        ])
        .areas(place(height));
        let mut text = format!("{} {}", table::count(model, table), table.title());
        if model.rows(table).len() > usize::from(PLAIN_ROWS) {
            text.push_str(&format!(", the first {PLAIN_ROWS} of them"));
        }
        Paragraph::new(text).render(title, canvas.buffer);
        canvas.table(model, table, area);
    }
    text_of(&buffer)
}

/// The characters of a buffer, line by line.
pub(super) fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let mut text = String::new();
    for line in buffer.content().chunks(width) {
        let line: String = line.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What is wrong with asking, and how old what is shown is.
fn trouble<T>(kept: &Kept<T>, now: Duration) -> Option<String> {
    let (error, age) = kept.trouble(now)?;
    let age = age.map_or_else(
        || "unknown".to_owned(),
        |age| format!("{} old", ago(millis(age))),
    );
    Some(format!("{age}: {}", clean(error)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

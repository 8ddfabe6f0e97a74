//! What the view shows and how keys change it. Nothing here asks, waits or draws.

use std::cmp::Ordering;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use holdfast_client::http_types::v1::locks::Explanation;

use super::board::Board;
use super::poll::{Read, Reading};
use super::rows::{Row, Table};
use crate::output::clean;

/// Rows that a page key moves by.
const PAGE: isize = 10;

/// What a key asks for that the model cannot do itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Quit,
    /// Why this lock is as it is.
    Explanation(String),
}

/// How one table is looked at.
#[derive(Clone, Debug, Default)]
struct Look {
    /// Key of the row that is selected, and where it was last: where a row is gone, its neighbour is selected.
    selected: Option<String>,
    place: usize,
    /// Column by which it is ordered; `None`: as it is told.
    column: Option<usize>,
    reversed: bool,
}

/// More about one row, over the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// Lines that are scrolled out above.
    pub(super) above: u16,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) board: Board,
    pub(super) table: Table,
    pub(super) paused: bool,
    pub(super) detail: Option<Detail>,
    looks: [Look; Table::ALL.len()],
}

impl Model {
    pub(super) fn new() -> Model {
        Model {
            board: Board::default(),
            table: Table::Hot,
            paused: false,
            detail: None,
            looks: Default::default(),
        }
    }

    /// Takes what was read, unless what is shown is to stay.
    pub(super) fn take(&mut self, at: Duration, reading: Reading) {
        if self.paused {
            return;
        }
        self.board.take(at, reading);
        for table in Table::ALL {
            let rows = self.rows(table);
            self.look_mut(table).follow(&rows);
        }
    }

    /// Shows why a lock is as it is, if that is still what is asked for.
    pub(super) fn explained(&mut self, lock: &str, told: Read<Explanation>) {
        let title = title(lock);
        let Some(detail) = self.detail.as_mut().filter(|shown| shown.title == title) else {
            return;
        };
        detail.lines = match told {
            Ok(told) => {
                let advice = told.advice.iter().map(|line| format!("  {line}"));
                let lines = told.lines.iter().cloned().chain(advice);
                lines.map(|line| clean(&line)).collect()
            }
            Err(error) => vec![clean(&error)],
        };
    }

    /// What a key does.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys do nothing, and there may be more of them"
    )]
    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Wanted> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if self.detail.is_some() {
            return self.key_in_detail(key.code, control);
        }
        match key.code {
            KeyCode::Char('q') => return Some(Wanted::Quit),
            KeyCode::Char('c') if control => return Some(Wanted::Quit),
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(Table::ALL.len() - 1),
            KeyCode::Char(digit @ '1'..='4') => {
                let place = digit.to_digit(10).unwrap_or(1) as usize - 1;
                self.table = Table::ALL.get(place).copied().unwrap_or(self.table);
            }
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-PAGE),
            KeyCode::PageDown => self.go(PAGE),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Char('s') => self.order_by_next(),
            KeyCode::Char('r') => {
                let look = self.look_mut(self.table);
                look.reversed = !look.reversed;
            }
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Enter => return self.open(),
            _ => {}
        }
        None
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys do nothing, and there may be more of them"
    )]
    fn key_in_detail(&mut self, code: KeyCode, control: bool) -> Option<Wanted> {
        let detail = self.detail.as_mut()?;
        let last = u16::try_from(detail.lines.len().saturating_sub(1)).unwrap_or(u16::MAX);
        match code {
            KeyCode::Char('c') if control => return Some(Wanted::Quit),
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Enter => self.detail = None,
            KeyCode::Up | KeyCode::Char('k') => detail.above = detail.above.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => detail.above = last.min(detail.above + 1),
            _ => {}
        }
        None
    }

    /// The rows of a table, in the order in which they are shown.
    pub(super) fn rows(&self, table: Table) -> Vec<Row> {
        let mut rows = table.rows(&self.board).unwrap_or_default();
        let look = self.look(table);
        if let Some(column) = look.column {
            rows.sort_by(|a, b| compare(a, b, column));
        }
        if look.reversed {
            rows.reverse();
        }
        rows
    }

    /// The place among them of the one that is selected.
    pub(super) fn selected(&self, table: Table) -> Option<usize> {
        self.look(table).place_in(&self.rows(table))
    }

    /// Column by which a table is ordered, if it is not as told, and whether the order is reversed.
    pub(super) fn order(&self, table: Table) -> (Option<usize>, bool) {
        let look = self.look(table);
        (look.column, look.reversed)
    }

    fn look(&self, table: Table) -> &Look {
        let [hot, sessions, elections, deadlocks] = &self.looks;
        match table {
            Table::Hot => hot,
            Table::Sessions => sessions,
            Table::Elections => elections,
            Table::Deadlocks => deadlocks,
        }
    }

    fn look_mut(&mut self, table: Table) -> &mut Look {
        let [hot, sessions, elections, deadlocks] = &mut self.looks;
        match table {
            Table::Hot => hot,
            Table::Sessions => sessions,
            Table::Elections => elections,
            Table::Deadlocks => deadlocks,
        }
    }

    fn turn(&mut self, by: usize) {
        let place = Table::ALL.iter().position(|table| *table == self.table);
        let next = (place.unwrap_or_default() + by) % Table::ALL.len();
        self.table = Table::ALL.get(next).copied().unwrap_or(self.table);
    }

    fn go(&mut self, by: isize) {
        let rows = self.rows(self.table);
        let look = self.look_mut(self.table);
        let from = look.place_in(&rows).unwrap_or_default();
        look.place = from.saturating_add_signed(by);
        look.selected = None;
        look.follow(&rows);
    }

    fn order_by_next(&mut self) {
        let columns = self.table.columns().len();
        let look = self.look_mut(self.table);
        let next = look.column.map_or(0, |column| column + 1);
        look.column = (next < columns).then_some(next);
    }

    /// Opens what there is to say about the row that is selected.
    fn open(&mut self) -> Option<Wanted> {
        let place = self.selected(self.table)?;
        let row = self.rows(self.table).into_iter().nth(place)?;
        if let Some(lock) = row.lock.clone().filter(|_| self.table == Table::Hot) {
            self.detail = Some(Detail {
                title: title(&lock),
                lines: vec!["asking …".to_owned()],
                above: 0,
            });
            return Some(Wanted::Explanation(lock));
        }
        let names = self.table.columns().iter().map(|column| column.name);
        let lines = names.zip(&row.cells);
        self.detail = Some(Detail {
            title: clean(&row.key),
            lines: lines
                .map(|(name, cell)| format!("{name:<12}  {}", cell.text))
                .collect(),
            above: 0,
        });
        None
    }
}

fn title(lock: &str) -> String {
    format!("why is {} as it is", clean(lock))
}

impl Look {
    fn place_in(&self, rows: &[Row]) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        rows.iter().position(|row| row.key == *selected)
    }

    /// Keeps the row selected that was, or the one that is where it was.
    fn follow(&mut self, rows: &[Row]) {
        let last = rows.len().saturating_sub(1);
        self.place = self.place_in(rows).unwrap_or(self.place).min(last);
        self.selected = rows.get(self.place).map(|row| row.key.clone());
    }
}

/// By number where there are numbers, what is not known last.
fn compare(a: &Row, b: &Row, column: usize) -> Ordering {
    let rank = |row: &Row| {
        let cell = row.cells.get(column)?;
        Some((cell.number.is_none(), cell.number, cell.text.clone()))
    };
    rank(a).cmp(&rank(b))
}

#[cfg(test)]
mod tests;

//! The tables, and more about one of their rows.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Block, Cell, Clear, Paragraph, Row, StatefulWidget, Table as Grid, TableState, Widget, Wrap,
};

use super::{Canvas, trouble};
use crate::commands::top::model::{Detail, Model};
use crate::commands::top::rows::{Column, Table};

/// How many rows a table has, as far as is known.
pub(super) fn count(model: &Model, table: Table) -> String {
    match table.rows(&model.board) {
        None => "?".to_owned(),
        Some(rows) if table.has_more(&model.board) => format!("{}+", rows.len()),
        Some(rows) => rows.len().to_string(),
    }
}

impl Canvas<'_> {
    pub(super) fn tabs(&mut self, model: &Model, area: Rect) {
        let chosen = self.palette.chosen();
        let tabs = Table::ALL.into_iter().zip(1..).flat_map(|(table, digit)| {
            let text = format!(" {digit} {} {} ", table.title(), count(model, table));
            let shown = table == model.table;
            let style = if shown { chosen } else { Style::new() };
            [Span::styled(text, style), Span::from(" ")]
        });
        Line::from_iter(tabs).render(area, self.buffer);
    }

    pub(super) fn table(&mut self, model: &Model, table: Table, area: Rect) {
        let board = &model.board;
        let trouble = match table {
            Table::Hot => trouble(&board.hot, self.now),
            Table::Sessions => trouble(&board.sessions, self.now),
            Table::Elections => trouble(&board.elections, self.now),
            Table::Deadlocks => trouble(&board.deadlocks, self.now),
        };
        let height = u16::from(trouble.is_some());
        let [said, area] =
            Layout::vertical([Constraint::Length(height), Constraint::Min(1)]).areas(area);
        if let Some(trouble) = trouble {
            let text = Paragraph::new(trouble).style(self.palette.alarm());
            text.render(said, self.buffer);
        }
        let rows = model.rows(table);
        let rows = rows.iter().map(|row| {
            let cells = Row::new(row.cells.iter().map(|cell| Cell::from(cell.text.as_str())));
            let style = if row.alarm {
                self.palette.alarm()
            } else {
                Style::new()
            };
            cells.style(style)
        });
        let grid = Grid::new(rows, widths(table.columns(), area.width))
            .header(header(model, table).style(self.palette.faint()))
            .row_highlight_style(self.palette.chosen());
        let mut state = TableState::new().with_selected(model.selected(table));
        StatefulWidget::render(grid, area, self.buffer, &mut state);
    }

    /// Over everything else, with a frame.
    pub(super) fn detail(&mut self, detail: &Detail, area: Rect) {
        let [_, area, _] = Layout::vertical([
            Constraint::Percentage(15),
            Constraint::Min(5),
            Constraint::Percentage(15),
        ])
        .areas(area);
        let title = format!(" {} ", detail.title);
        let frame = Block::bordered()
            .title(Span::styled(title, self.palette.strong()))
            .title_bottom(" esc closes ");
        let lines = detail.lines.iter().map(|line| Line::from(line.as_str()));
        Clear.render(area, self.buffer);
        Paragraph::new(lines.collect::<Vec<_>>())
            .wrap(Wrap { trim: false })
            .scroll((detail.above, 0))
            .block(frame)
            .render(area, self.buffer);
    }
}

/// The names of the columns; an arrow says by which the rows are ordered, where they are not as told.
fn header(model: &Model, table: Table) -> Row<'static> {
    let (by, reversed) = model.order(table);
    let marked = by.or(reversed.then_some(0));
    let names = table.columns().iter().enumerate().map(|(place, column)| {
        let arrow = match (marked == Some(place), reversed) {
            (false, _) => "",
            (true, false) => "↑",
            (true, true) => "↓",
        };
        Cell::from(format!("{}{arrow}", column.name))
    });
    Row::new(names)
}

/// Each column has its width, and its share of what is left.
fn widths(columns: &[Column], width: u16) -> Vec<Constraint> {
    let least: u16 = columns.iter().map(|column| column.width + 1).sum();
    let spare = width.saturating_sub(least);
    let shares: u16 = columns.iter().map(|column| column.grows).sum();
    let widths = columns.iter().map(|column| {
        let more = u32::from(spare) * u32::from(column.grows) / u32::from(shares.max(1));
        // A share of what fits into 16 bits.
        Constraint::Length(column.width + u16::try_from(more).unwrap_or_default())
    });
    widths.collect()
}

use super::super::sample;
use super::*;

fn press(model: &mut Model, keys: &[KeyCode]) -> Option<Wanted> {
    let mut wanted = None;
    for code in keys {
        wanted = model.key(KeyEvent::new(*code, KeyModifiers::NONE));
    }
    wanted
}

fn seen() -> Model {
    let mut model = Model::new();
    model.take(Duration::from_secs(1), sample::reading());
    model
}

/// The first field of each row, in order, the selected one in brackets.
fn shown(model: &Model) -> String {
    let selected = model.selected(model.table);
    let rows = model.rows(model.table).into_iter().enumerate();
    let names = rows.map(|(place, row)| {
        let name = row.cells[0].text.clone();
        if Some(place) == selected {
            format!("[{name}]")
        } else {
            name
        }
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn tables_are_turned_to_by_tab_and_number() {
    let mut model = seen();
    let mut tables = Vec::new();
    for key in [
        KeyCode::Tab,
        KeyCode::Tab,
        KeyCode::Tab,
        KeyCode::Tab,
        KeyCode::BackTab,
    ] {
        press(&mut model, &[key]);
        tables.push(model.table);
    }
    let [hot, sessions, elections, deadlocks] = Table::ALL;
    assert_eq!(tables, [sessions, elections, deadlocks, hot, deadlocks]);
    press(&mut model, &[KeyCode::Char('3')]);
    assert_eq!(model.table, elections);
    press(
        &mut model,
        &[KeyCode::Char('9'), KeyCode::Char('x'), KeyCode::F(1)],
    );
    assert_eq!(model.table, elections);
}

#[test]
fn the_selection_moves_within_the_table_and_each_table_has_its_own() {
    let mut model = seen();
    assert_eq!(shown(&model), "[deploy/prod] invoices/2026-11 orders/42");
    press(&mut model, &[KeyCode::Up]);
    assert_eq!(shown(&model), "[deploy/prod] invoices/2026-11 orders/42");
    press(&mut model, &[KeyCode::Down, KeyCode::PageDown]);
    assert_eq!(shown(&model), "deploy/prod invoices/2026-11 [orders/42]");
    press(&mut model, &[KeyCode::Tab]);
    assert_eq!(model.selected(Table::Sessions), Some(0));
    press(&mut model, &[KeyCode::BackTab, KeyCode::Home]);
    assert_eq!(shown(&model), "[deploy/prod] invoices/2026-11 orders/42");
    press(&mut model, &[KeyCode::End]);
    assert_eq!(shown(&model), "deploy/prod invoices/2026-11 [orders/42]");
}

#[test]
fn the_selection_stays_with_its_row_and_goes_to_a_neighbour_when_that_is_gone() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Down]);
    let mut turned = sample::reading();
    turned.hot.as_mut().unwrap().reverse();
    model.take(Duration::from_secs(2), turned.clone());
    assert_eq!(shown(&model), "orders/42 [invoices/2026-11] deploy/prod");
    press(&mut model, &[KeyCode::Char('r')]);
    assert_eq!(shown(&model), "deploy/prod [invoices/2026-11] orders/42");
    press(&mut model, &[KeyCode::Char('r')]);
    turned.hot.as_mut().unwrap().remove(1);
    model.take(Duration::from_secs(3), turned.clone());
    assert_eq!(shown(&model), "orders/42 [deploy/prod]");
    turned.hot = Ok(Vec::new());
    model.take(Duration::from_secs(4), turned);
    assert_eq!(
        (shown(&model).as_str(), model.selected(Table::Hot)),
        ("", None)
    );
    assert_eq!(press(&mut model, &[KeyCode::Down, KeyCode::Enter]), None);
}

#[test]
fn s_orders_by_one_column_after_the_other_and_r_reverses() {
    let mut model = seen();
    let held = Table::Hot
        .columns()
        .iter()
        .position(|c| c.name == "HELD")
        .unwrap();
    press(&mut model, &vec![KeyCode::Char('s'); held + 1]);
    assert_eq!(model.order(Table::Hot), (Some(held), false));
    assert_eq!(
        shown(&model),
        "orders/42 [deploy/prod] invoices/2026-11",
        "by number, unknown last"
    );
    press(&mut model, &[KeyCode::Char('r')]);
    assert_eq!(shown(&model), "invoices/2026-11 [deploy/prod] orders/42");
    let rest = Table::Hot.columns().len() - held;
    press(&mut model, &vec![KeyCode::Char('s'); rest]);
    assert_eq!(model.order(Table::Hot), (None, true), "as told again");
}

#[test]
fn what_is_paused_does_not_change() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Char('p')]);
    let mut other = sample::reading();
    other.hot = Ok(Vec::new());
    model.take(Duration::from_secs(2), other.clone());
    assert_eq!(model.rows(Table::Hot).len(), 3);
    assert_eq!(model.board.read_at, Some(Duration::from_secs(1)));
    press(&mut model, &[KeyCode::Char('p')]);
    model.take(Duration::from_secs(3), other);
    assert!(model.rows(Table::Hot).is_empty());
}

#[test]
fn enter_asks_why_and_shows_it_until_closed() {
    let mut model = seen();
    let wanted = press(&mut model, &[KeyCode::Down, KeyCode::Enter]);
    assert_eq!(
        wanted,
        Some(Wanted::Explanation("invoices/2026-11".to_owned()))
    );
    let told = sample::explanation(&["held by \u{1b}[2Jci", "two wait"], &["break it"]);
    model.explained("orders/42", Ok(told.clone()));
    assert_eq!(
        model.detail.as_ref().unwrap().lines,
        ["asking …"],
        "of another lock"
    );
    model.explained("invoices/2026-11", Ok(told));
    let lines = ["held by \u{fffd}[2Jci", "two wait", "  break it"];
    assert_eq!(model.detail.as_ref().unwrap().lines, lines);
    press(&mut model, &[KeyCode::Down, KeyCode::Down, KeyCode::Down]);
    assert_eq!(model.detail.as_ref().unwrap().above, 2);
    assert_eq!(
        press(&mut model, &[KeyCode::Char('q')]),
        None,
        "closes this first"
    );
    assert_eq!(model.detail, None);
    model.explained("invoices/2026-11", Err("late".to_owned()));
    assert_eq!(model.detail, None);
}

#[test]
fn enter_shows_other_rows_in_full() {
    let mut model = seen();
    let wanted = press(&mut model, &[KeyCode::Char('4'), KeyCode::Enter]);
    assert_eq!(wanted, None);
    let lines = model.detail.unwrap().lines;
    assert!(lines[4].starts_with("WHY           "), "{lines:?}");
}

#[test]
fn q_and_control_c_end_it() {
    let mut model = seen();
    assert_eq!(press(&mut model, &[KeyCode::Char('q')]), Some(Wanted::Quit));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(model.key(control_c), Some(Wanted::Quit));
    assert_eq!(press(&mut model, &[KeyCode::Char('c')]), None);
    press(&mut model, &[KeyCode::Enter]);
    assert_eq!(model.key(control_c), Some(Wanted::Quit));
}

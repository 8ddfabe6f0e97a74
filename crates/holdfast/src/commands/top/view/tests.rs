use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::sample;
use super::*;

const PALETTE: Palette = Palette { colour: true };

/// A model that has read twice, two seconds apart.
fn seen() -> Model {
    let mut model = Model::new();
    model.take(Duration::from_secs(1), sample::reading_with_writes(100));
    model.take(Duration::from_secs(3), sample::reading_with_writes(341));
    model
}

fn press(model: &mut Model, keys: &[KeyCode]) {
    for code in keys {
        let _ = model.key(KeyEvent::new(*code, KeyModifiers::NONE));
    }
}

/// What is on a terminal of this size, five seconds after the beginning.
fn drawn(model: &Model, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            let mut canvas = Canvas {
                buffer: frame.buffer_mut(),
                palette: PALETTE,
                now: Duration::from_secs(5),
            };
            screen(model, area, &mut canvas);
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

fn check(model: &Model, expected: &Expect) {
    expected.assert_eq(&text_of(&drawn(model, 110, 14)));
}

/// The style of the first cell of the line that begins with `text`.
fn style_of(buffer: &Buffer, text: &str) -> Style {
    let lines = text_of(buffer);
    let y = lines
        .lines()
        .position(|line| line.starts_with(text))
        .unwrap();
    buffer[(0, u16::try_from(y).unwrap())].style()
}

#[test]
fn hot_locks() {
    check(
        &seen(),
        &expect![[r#"
        cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990
        writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)

        NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
        n1       voter    4000         0        0.0 s     0.1.0      ok
        n2       leader   4000         0        -         0.1.0      ok
        n3       voter    -            -        1m04s     0.1.0      unreachable from the answering node; ok

         1 hot locks 3   2 sessions 3   3 elections 1   4 deadlocks 1
        LOCK                    HOLDER           HOST           HELD    QUEUE WAITED  NEXT    REASON
        deploy/prod             ci               runner-4       12m34s  4     8m32s   overdue release 2.8.1�[2J� (a
        invoices/2026-11                                        -       0     9.0 s   -
        orders/42               s_7 +2                          12.0 s  2     7.0 s   48.0 s
        tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
    "#]],
    );
}

#[test]
fn sessions() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Char('2'), KeyCode::Down]);
    check(
        &model,
        &expect![[r#"
            cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990
            writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)

            NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
            n1       voter    4000         0        0.0 s     0.1.0      ok
            n2       leader   4000         0        -         0.1.0      ok
            n3       voter    -            -        1m04s     0.1.0      unreachable from the answering node; ok

             1 hot locks 3   2 sessions 3   3 elections 1   4 deadlocks 1
            SESSION                OWNER                    LEFT    TTL     SINCE                HOLDS
            s_1                    ci@runner-4 pid 812      2.0 s   15.0 s  2026-11-30T20:00:00Z deploy/prod, waits for
            s_7                    ci@runner-4 pid 812      13.0 s  15.0 s  2026-11-30T20:00:00Z /web/up and 1 more
            s_9                    ci@runner-4 pid 812      -       15.0 s  2026-11-30T20:00:00Z -
            tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
        "#]],
    );
}

#[test]
fn elections() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Char('3')]);
    check(
        &model,
        &expect![[r#"
        cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990
        writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)

        NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
        n1       voter    4000         0        0.0 s     0.1.0      ok
        n2       leader   4000         0        -         0.1.0      ok
        n3       voter    -            -        1m04s     0.1.0      unreachable from the answering node; ok

         1 hot locks 3   2 sessions 3   3 elections 1   4 deadlocks 1
        ELECTION                     LEADER                 OWNER                        TERM     FOR     CANDIDATES
        scheduler                    web-3                  cron@web-3 pid 77            411      1d02h   3


        tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
    "#]],
    );
}

#[test]
fn deadlocks() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Char('4')]);
    check(
        &model,
        &expect![[r#"
        cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990
        writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)

        NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
        n1       voter    4000         0        0.0 s     0.1.0      ok
        n2       leader   4000         0        -         0.1.0      ok
        n3       voter    -            -        1m04s     0.1.0      unreachable from the answering node; ok

         1 hot locks 3   2 sessions 3   3 elections 1   4 deadlocks 1
        AT                   REFUSED                 WAITING FOR           CYCLE WHY
        2026-11-30T20:01:02Z job-2                   a                     2     job-2 waits for a, which job-1 hol


        tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
    "#]],
    );
}

#[test]
fn why_a_lock_is_as_it_is() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Down, KeyCode::Enter]);
    let told = sample::explanation(&["held by ci@runner-4", "two wait"], &["break it"]);
    model.explained("invoices/2026-11", Ok(told));
    check(
        &model,
        &expect![[r#"
        cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990
        writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)
        ┌ why is invoices/2026-11 as it is ──────────────────────────────────────────────────────────────────────────┐
        │held by ci@runner-4                                                                                         │
        │two wait                                                                                                    │
        │  break it                                                                                                  │
        │                                                                                                            │
        │                                                                                                            │
        │                                                                                                            │
        │                                                                                                            │
        │                                                                                                            │
        └ esc closes ────────────────────────────────────────────────────────────────────────────────────────────────┘
        orders/42               s_7 +2                          12.0 s  2     7.0 s   48.0 s
        tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
    "#]],
    );
}

#[test]
fn before_anything_was_read() {
    check(
        &Model::new(),
        &expect![[r#"
            no cluster yet
            rates come with the second reading

            NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH

             1 hot locks ?   2 sessions ?   3 elections ?   4 deadlocks ?
            LOCK                    HOLDER           HOST           HELD    QUEUE WAITED  NEXT    REASON






            tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
        "#]],
    );
}

#[test]
fn what_does_not_answer_is_shown_as_that_and_old_figures_as_old() {
    let mut model = seen();
    let mut silent = sample::reading();
    let error = || "no leader\u{1b}[2J".to_owned();
    silent.cluster = Err(error());
    silent.hot = Err(error());
    for node in silent.nodes.values_mut() {
        node.health = Err(error());
        node.counts = Err(error());
    }
    model.take(Duration::from_millis(4_500), silent);
    check(
        &model,
        &expect![[r#"
            cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990  2.0 s old: no leader�[2J
            writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)  2.0 s old: no node answered twice

            NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
            n1       voter    4000         0        0.0 s     0.1.0      no answer
            n2       leader   4000         0        -         0.1.0      no answer
            n3       voter    -            -        1m04s     0.1.0      unreachable from the answering node; no answer

             1 hot locks 3   2 sessions 3   3 elections 1   4 deadlocks 1
            2.0 s old: no leader�[2J
            LOCK                    HOLDER           HOST           HELD    QUEUE WAITED  NEXT    REASON
            deploy/prod             ci               runner-4       12m34s  4     8m32s   overdue release 2.8.1�[2J� (a
            invoices/2026-11                                        -       0     9.0 s   -
            tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
        "#]],
    );
}

#[test]
fn nothing_was_ever_answered() {
    let mut model = Model::new();
    let mut silent = sample::reading();
    silent.cluster = Err("connection refused".to_owned());
    silent.hot = Err("connection refused".to_owned());
    silent.nodes.remove("n3");
    silent.nodes.get_mut("n1").unwrap().health = Err("connection refused".to_owned());
    model.take(Duration::from_secs(1), silent);
    check(
        &model,
        &expect![[r#"
            no cluster yet  unknown: connection refused
            rates come with the second reading

            NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
            -        -        -            -        -         -          no answer (n1)
            n2       -        4000         -        -         0.1.0      ok (n2)

             1 hot locks ?   2 sessions 3   3 elections 1   4 deadlocks 1
            unknown: connection refused
            LOCK                    HOLDER           HOST           HELD    QUEUE WAITED  NEXT    REASON



            tab 1-4 table   ↑↓ select   enter why   s sort   r reverse   p pause   q quit
        "#]],
    );
}

#[test]
fn replicas_that_differ_and_a_cluster_without_a_leader_cry_out() {
    let mut model = Model::new();
    let mut read = sample::reading();
    read.nodes.get_mut("n1").unwrap().health = Ok(sample::health("n1", false));
    let cluster = read.cluster.as_mut().unwrap();
    (cluster.leader, cluster.quorum) = (None, 3);
    model.take(Duration::from_secs(1), read);
    let buffer = drawn(&model, 110, 14);
    let text = text_of(&buffer);
    assert!(text.contains("NO LEADER  term 2  NO QUORUM"), "{text}");
    assert!(text.contains("fails replicas_equal (at 3990)"), "{text}");
    assert!(text.contains("REPLICAS DIFFER (n1: at 3990)"), "{text}");
    assert_eq!(style_of(&buffer, "n1").fg, Some(Color::Red));
}

#[test]
fn alarms_are_red_and_the_selection_is_reversed() {
    let buffer = drawn(&seen(), 110, 14);
    assert_eq!(style_of(&buffer, "n3").fg, Some(Color::Red));
    assert_eq!(style_of(&buffer, "n1").fg, Some(Color::Reset));
    let selected = style_of(&buffer, "deploy/prod");
    assert!(
        selected.add_modifier.contains(Modifier::REVERSED),
        "{selected:?}"
    );
}

#[test]
fn plain_text_has_all_tables() {
    let text = plain(&seen(), Duration::from_secs(5), 110);
    expect![[r#"
        cluster 81f53e94  leader n2  term 2  can lose 0 of 3  replicas equal at 3990
        writes 120/s  reads 362/s  p99 of commits <= 8.0 ms  (3 of 3 nodes)

        NODE     ROLE     APPLIED      LAG      CONTACT   VERSION    HEALTH
        n1       voter    4000         0        0.0 s     0.1.0      ok
        n2       leader   4000         0        -         0.1.0      ok
        n3       voter    -            -        1m04s     0.1.0      unreachable from the answering node; ok


        3 hot locks
        LOCK                    HOLDER           HOST           HELD    QUEUE WAITED  NEXT    REASON
        deploy/prod             ci               runner-4       12m34s  4     8m32s   overdue release 2.8.1�[2J� (a
        invoices/2026-11                                        -       0     9.0 s   -
        orders/42               s_7 +2                          12.0 s  2     7.0 s   48.0 s


        3 sessions
        SESSION                OWNER                    LEFT    TTL     SINCE                HOLDS
        s_1                    ci@runner-4 pid 812      2.0 s   15.0 s  2026-11-30T20:00:00Z deploy/prod, waits for
        s_7                    ci@runner-4 pid 812      13.0 s  15.0 s  2026-11-30T20:00:00Z /web/up and 1 more
        s_9                    ci@runner-4 pid 812      -       15.0 s  2026-11-30T20:00:00Z -


        1 elections
        ELECTION                     LEADER                 OWNER                        TERM     FOR     CANDIDATES
        scheduler                    web-3                  cron@web-3 pid 77            411      1d02h   3


        1 deadlocks
        AT                   REFUSED                 WAITING FOR           CYCLE WHY
        2026-11-30T20:01:02Z job-2                   a                     2     job-2 waits for a, which job-1 hol
    "#]].assert_eq(&text);
}

#[test]
fn no_size_of_a_terminal_is_too_small_and_nothing_reaches_it_that_it_would_act_on() {
    let mut model = seen();
    press(&mut model, &[KeyCode::Enter]);
    model.explained("deploy/prod", Err("\u{1b}]0;owned\u{7}\u{9b}".to_owned()));
    for (width, height) in [(1, 1), (3, 40), (20, 5), (80, 24), (300, 3), (500, 120)] {
        for table in Table::ALL {
            model.table = table;
            let mut bare = model.clone();
            bare.detail = None;
            for model in [&model, &bare] {
                let text = text_of(&drawn(model, width, height));
                let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
                assert!(!text.contains(acts), "{text}");
            }
        }
    }
}

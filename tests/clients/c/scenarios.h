/* One function each; they end the program when something is not as it must be. */
#pragma once

void creates_of_every_mode(void);
void versions_and_errors(void);
void watches_of_every_kind(void);
void transactions(void);
void access_lists(void);
void pipelined_writes_in_order(void);

void watches_survive_a_restart_of_the_only_node(void);
void a_session_moves_when_its_node_is_killed(void);
void writes_go_on_when_the_leader_is_killed(void);
void a_frozen_session_expires(void);
void a_closed_session_leaves_nothing(void);

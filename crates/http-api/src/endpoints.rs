//! Every endpoint there is. Method and path stand with the code of each, in the attribute that the
//! OpenAPI document is made of.

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::endpoint::Class::{Ask, Read, Renew, Stream, Upload, Vital, Write, WriteData};
use crate::endpoint::{Class, Endpoint, Handler};
use crate::routes::{
    asking, barriers, candidates, claims, cluster, commands, counters, deadlocks, elections,
    events, fence_keys, fence_tokens, fences, group_members, groups, health, hot, instances,
    lock_history, lock_list, locks, meta, nodes, nodes_delete, nodes_views, picks, queue_dead,
    queue_items, queue_take, queues, restore, services, sessions, snapshots, streams, txn,
};

/// Makes the table and the document from one list, so that neither can know more than the other.
macro_rules! endpoints {
    ($($class:ident $module:ident $handler:ident $path:ident;)*) => {
        /// The table of endpoints.
        pub(crate) fn all() -> Vec<Endpoint> {
            vec![$(of::<$module::$path>($class, |call| Box::pin($module::$handler(call)))),*]
        }

        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),*))]
        struct Described;
    };
}

fn of<P: utoipa::Path>(class: Class, handler: Handler) -> Endpoint {
    Endpoint::of::<P>(class, handler)
}

/// Paths and schemas of all endpoints.
pub(crate) fn described() -> OpenApi {
    Described::openapi()
}

endpoints! {
    Read lock_list list __path_list;
    Read hot hot __path_hot;
    Read locks get __path_get;
    Write locks configure __path_configure;
    Write claims acquire_one_line __path_acquire_one_line;
    Read locks queue __path_queue;
    Read locks holders __path_holders;
    Read locks explain __path_explain;
    Read lock_history history __path_history;
    Ask locks verify __path_verify;
    Write locks break_lock __path_break_lock;
    Write asking request_release __path_request_release;
    Write asking answer __path_answer;
    Stream streams of_lock __path_of_lock;
    Write claims acquire __path_acquire;
    Write claims acquire_all __path_acquire_all;
    Read claims claim __path_claim;
    Write claims extend __path_extend;
    Write claims release __path_release;

    Read elections list __path_list;
    Read elections get __path_get;
    Write elections transfer __path_transfer;
    Stream streams of_election __path_of_election;
    Write candidates campaign __path_campaign;
    Read candidates candidate __path_candidate;
    Write candidates resign __path_resign;

    Read deadlocks list __path_list;
    Read deadlocks order __path_order;
    Read groups list __path_list;
    Read groups get __path_get;
    Stream streams of_group __path_of_group;
    Write group_members join __path_join;
    Read group_members member __path_member;
    Write group_members leave __path_leave;

    Read barriers get __path_get;
    Write barriers enter __path_enter;
    Read barriers member __path_member;
    Write barriers leave __path_leave;

    Read services list __path_list;
    Read services get __path_get;
    Stream streams of_service __path_of_service;
    Write instances register __path_register;
    Read instances instance __path_instance;
    Write instances deregister __path_deregister;
    Write instances renew __path_renew;
    Write instances set_state __path_set_state;
    Write instances report_load __path_report_load;
    Write instances report_call __path_report_call;
    Read picks look __path_look;
    Write picks pick __path_pick;
    Write picks release __path_release;
    Read picks ring __path_ring;

    Read queues list __path_list;
    Read queues get __path_get;
    Write queues configure __path_configure;
    Write queues unconfigure __path_unconfigure;
    WriteData queue_items put __path_put;
    Read queue_items list __path_list;
    Read queue_items get __path_get;
    Write queue_take take __path_take;
    Write queue_items ack __path_ack;
    Write queue_items give_back __path_give_back;
    Read queue_dead list __path_list;
    Read queue_dead get __path_get;
    Write queue_dead delete __path_delete;
    Write queue_dead redrive_one __path_redrive_one;
    Write queue_dead redrive __path_redrive;

    Read sessions list __path_list;
    Write sessions open __path_open;
    Read sessions get __path_get;
    Write sessions close __path_close;
    Renew sessions keepalive __path_keepalive;
    Renew sessions keepalive_many __path_keepalive_many;
    Stream streams observe_session __path_observe_session;
    Stream streams stream_session __path_stream_session;

    Read nodes get __path_get;
    Read nodes head __path_head;
    WriteData nodes put __path_put;
    WriteData nodes create __path_create;
    Write nodes_delete delete __path_delete;
    Read nodes_views children __path_children;
    Read nodes_views tree __path_tree;
    Read nodes_views acl __path_acl;
    Write nodes_views set_acl __path_set_acl;
    Stream streams of_node __path_of_node;
    Write txn txn __path_txn;

    Read counters list __path_list;
    Read counters get __path_get;
    Write counters remove __path_remove;
    Write counters add __path_add;
    Write counters block __path_block;

    Read fences list __path_list;
    Read fences get __path_get;
    Write fences remove __path_remove;
    Write fences advance __path_advance;
    Read fence_tokens of_claim __path_of_claim;
    Read fence_tokens of_candidate __path_of_candidate;
    Read fence_keys jwks __path_jwks;
    Read fence_keys list __path_list;
    Write fence_keys rotate __path_rotate;
    Write fence_keys revoke __path_revoke;

    Stream events events __path_events;

    Read cluster get __path_get;
    Read cluster digest __path_digest;
    Write cluster add __path_add;
    Write cluster remove __path_remove;
    Write cluster promote __path_promote;
    Write cluster demote __path_demote;
    Write cluster replace __path_replace;
    Write cluster transfer __path_transfer;

    Ask snapshots take __path_take;
    Read snapshots list __path_list;
    Upload snapshots verify __path_verify;
    Upload restore restore __path_restore;
    Read snapshots download __path_download;

    Vital health livez __path_livez;
    Vital health readyz __path_readyz;
    Vital health health __path_health;
    Vital health metrics __path_metrics;
    Vital meta openapi __path_openapi;
    Vital meta errors __path_errors;
    Vital meta error __path_error;
    Vital meta limits __path_limits;

    Vital commands list __path_list;
    Vital commands get __path_get;
    Upload commands post __path_post;
}

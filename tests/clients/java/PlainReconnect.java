import java.util.List;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** Nodes that are killed, and sessions that move and end. */
final class PlainReconnect {
    /** More than one setWatches request can carry (the client splits them at 128 KiB). */
    private static final int MANY_WATCHES = 3000;
    private static final int WRITES = 200;
    private static final int KILL_AT = 50;

    private PlainReconnect() {}

    static void addTo(Main main) {
        main.add("watches survive a restart of the only node", PlainReconnect::watchesSurvive);
        main.add("thousands of watches survive it", PlainReconnect::manyWatchesSurvive);
        main.add("a session moves when its node is killed", PlainReconnect::sessionMoves);
        main.add("writes go on when the leader is killed", PlainReconnect::leaderKilled);
        main.add("a session taken up by another client", PlainReconnect::takenUp);
        main.add("a frozen session expires", PlainReconnect::frozen);
        main.add("a session ended by HTTP", PlainReconnect::endedByHttp);
    }

    private static void watchesSurvive() throws Exception {
        try (Session watching = new Session(Nodes.one(1), Session.LONG_TIMEOUT_MS);
                Session writing = new Session(Nodes.one(2), Session.LONG_TIMEOUT_MS)) {
            for (String path : List.of("/j-away", "/j-calm")) {
                watching.create(path, CreateMode.PERSISTENT);
                watching.zk.getData(path, watching, null);
                watching.zk.getChildren(path, watching);
                watching.zk.exists(path + "/new", watching);
            }
            watching.create("/j-always", CreateMode.PERSISTENT);
            watching.zk.addWatch("/j-always", watching, AddWatchMode.PERSISTENT_RECURSIVE);
            long id = watching.zk.getSessionId();
            Nodes.kill(1);
            watching.awaitDisconnected();
            writing.awaitConnected();
            change(writing, "/j-away");
            Nodes.start(1);
            watching.awaitConnected();
            Check.equal(id, watching.zk.getSessionId(), "session");
            // What changed meanwhile is told by the answer to setWatches, the rest by the watches it made.
            awaitChange(watching, "/j-away");
            change(writing, "/j-calm");
            awaitChange(watching, "/j-calm");
            writing.create("/j-always/x", CreateMode.PERSISTENT);
            watching.awaitEvent(EventType.NodeCreated, "/j-always/x");
        }
    }

    private static void change(Session session, String path) throws Exception {
        Check.eventually("a leader", () -> session.zk.setData(path, new byte[0], -1) != null);
        session.create(path + "/new", CreateMode.PERSISTENT);
    }

    private static void awaitChange(Session session, String path) throws Exception {
        session.awaitEvent(EventType.NodeDataChanged, path);
        session.awaitEvent(EventType.NodeChildrenChanged, path);
        session.awaitEvent(EventType.NodeCreated, path + "/new");
    }

    private static void manyWatchesSurvive() throws Exception {
        try (Session watching = new Session(Nodes.one(1), Session.LONG_TIMEOUT_MS);
                Session writing = new Session(Nodes.one(2), Session.LONG_TIMEOUT_MS)) {
            watching.create("/j-thousands", CreateMode.PERSISTENT);
            String prefix = "/j-thousands/" + "x".repeat(100);
            for (int at = 0; at < MANY_WATCHES; at++) {
                watching.zk.exists(prefix + at, watching, (code, path, context, stat) -> {}, null);
            }
            watching.sync();
            Nodes.kill(1);
            watching.awaitDisconnected();
            Nodes.start(1);
            watching.awaitConnected();
            for (int at = 0; at < MANY_WATCHES; at++) {
                writing.zk.create(prefix + at, null, org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE,
                        CreateMode.PERSISTENT, (code, path, context, name) -> {}, null);
            }
            Check.eventually("an event for each watch", () -> watching.seen().size() >= MANY_WATCHES);
            writing.sync();
            watching.sync();
            Check.equal((long) MANY_WATCHES, watching.seen().stream().distinct().count(), "distinct events");
            Check.equal(MANY_WATCHES, watching.seen().size(), "events");
        }
    }

    private static void sessionMoves() throws Exception {
        try (Session session = new Session(Nodes.all(), Session.LONG_TIMEOUT_MS)) {
            long id = session.zk.getSessionId();
            session.create("/j-moved", CreateMode.PERSISTENT);
            session.create("/j-moved/ephemeral", CreateMode.EPHEMERAL);
            session.zk.getData("/j-moved", session, null);
            int first = session.node();
            Nodes.kill(first);
            session.awaitMovedFrom(first);
            Check.equal(id, session.zk.getSessionId(), "session");
            Check.equal(id, session.zk.exists("/j-moved/ephemeral", false).getEphemeralOwner(), "owner");
            session.zk.setData("/j-moved", new byte[0], -1);
            session.awaitEvent(EventType.NodeDataChanged, "/j-moved");
            Nodes.start(first);
        }
    }

    /** A write whose connection broke may have happened or not; the version tells. */
    private static void leaderKilled() throws Exception {
        try (Session session = new Session(Nodes.all(), Session.LONG_TIMEOUT_MS)) {
            long id = session.zk.getSessionId();
            session.create("/j-leader", CreateMode.PERSISTENT);
            int leader = Nodes.leader();
            int done = 0;
            int unknown = 0;
            for (int write = 0; done < WRITES; write++) {
                if (write == KILL_AT) {
                    Nodes.kill(leader);
                }
                try {
                    session.zk.setData("/j-leader", new byte[0], -1);
                    done++;
                } catch (KeeperException.ConnectionLossException loss) {
                    unknown++;
                    Check.that(unknown < WRITES, "too many writes of unknown outcome");
                    session.awaitConnected();
                }
            }
            int version = session.zk.exists("/j-leader", false).getVersion();
            Check.that(done <= version && version <= done + unknown,
                    "version " + version + " after " + done + " writes, " + unknown + " unknown");
            Check.equal(id, session.zk.getSessionId(), "session");
            Nodes.start(leader);
        }
    }

    private static void takenUp() throws Exception {
        Session first = new Session(Nodes.one(1), Session.LONG_TIMEOUT_MS);
        long id = first.zk.getSessionId();
        first.create("/j-taken", CreateMode.EPHEMERAL);
        try (Session second = new Session(Nodes.one(2), id, first.zk.getSessionPasswd())) {
            second.awaitConnected();
            Check.equal(id, second.zk.getSessionId(), "session");
            second.sync();
            Check.equal(id, second.zk.exists("/j-taken", false).getEphemeralOwner(), "owner");
            try (Session wrong = new Session(Nodes.one(3), id, new byte[16])) {
                wrong.awaitExpired();
            }
            second.zk.setData("/j-taken", new byte[0], -1);
        }
        // The second one has closed it: the first is told that it is no more.
        first.awaitExpired();
        first.close();
    }

    private static void frozen() throws Exception {
        try (Session other = new Session(Nodes.all(), Session.LONG_TIMEOUT_MS);
                Session frozen = new Session(Nodes.all(), Session.SHORT_TIMEOUT_MS)) {
            Check.equal(Session.SHORT_TIMEOUT_MS, frozen.zk.getSessionTimeout(), "timeout");
            frozen.create("/j-frozen", CreateMode.EPHEMERAL);
            Nodes.freezeUntilExpired(frozen.zk.getSessionId());
            frozen.awaitExpired();
            Check.refused(Code.SESSIONEXPIRED, () -> frozen.zk.exists("/", false));
            other.awaitConnected();
            other.sync();
            Check.equal(null, other.zk.exists("/j-frozen", false), "ephemeral of an expired session");
        }
    }

    private static void endedByHttp() throws Exception {
        try (Session other = new Session(Nodes.one(3), Session.LONG_TIMEOUT_MS);
                Session ended = new Session(Nodes.one(1), Session.LONG_TIMEOUT_MS)) {
            ended.create("/j-ended", CreateMode.EPHEMERAL);
            other.sync();
            Stat stat = other.zk.exists("/j-ended", other);
            Check.equal(ended.zk.getSessionId(), stat.getEphemeralOwner(), "owner");
            Nodes.endSession(ended.zk.getSessionId());
            other.awaitEvent(EventType.NodeDeleted, "/j-ended");
            ended.awaitExpired();
            Check.equal(ZooKeeper.States.CLOSED, ended.zk.getState(), "state");
        }
    }
}

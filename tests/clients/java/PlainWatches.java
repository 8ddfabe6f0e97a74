import java.util.List;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;

/** Watches of every kind of the plain client; the changes come from a session at another node. */
final class PlainWatches {
    private PlainWatches() {}

    static void addTo(Main main) {
        main.add("one-shot watches", PlainWatches::oneShot);
        main.add("persistent watches", PlainWatches::persistent);
        main.add("recursive watches", PlainWatches::recursive);
        main.add("removed watches", PlainWatches::removed);
    }

    private static Session at(int node) throws Exception {
        return new Session(Nodes.one(node), Session.LONG_TIMEOUT_MS);
    }

    private static void oneShot() throws Exception {
        try (Session watching = at(1); Session writing = at(2)) {
            watching.create("/j-shot", CreateMode.PERSISTENT);
            watching.zk.getData("/j-shot", watching, null);
            watching.zk.getChildren("/j-shot", watching);
            watching.zk.exists("/j-shot/new", watching);
            writing.sync();
            writing.zk.setData("/j-shot", new byte[0], -1);
            writing.zk.setData("/j-shot", new byte[0], -1);
            writing.create("/j-shot/new", CreateMode.PERSISTENT);
            writing.zk.delete("/j-shot/new", -1);
            watching.sync();
            watching.awaitEvent(EventType.NodeDataChanged, "/j-shot");
            watching.awaitEvent(EventType.NodeCreated, "/j-shot/new");
            watching.awaitEvent(EventType.NodeChildrenChanged, "/j-shot");
            Check.equal(3, watching.seen().size(), "events " + watching.seen());
        }
    }

    private static void persistent() throws Exception {
        try (Session watching = at(1); Session writing = at(2)) {
            watching.create("/j-persistent", CreateMode.PERSISTENT);
            watching.zk.addWatch("/j-persistent", watching, AddWatchMode.PERSISTENT);
            writing.sync();
            writing.zk.setData("/j-persistent", new byte[0], -1);
            writing.zk.setData("/j-persistent", new byte[0], -1);
            writing.create("/j-persistent/a", CreateMode.PERSISTENT);
            writing.zk.setData("/j-persistent/a", new byte[0], -1);
            writing.zk.delete("/j-persistent/a", -1);
            writing.zk.delete("/j-persistent", -1);
            writing.create("/j-persistent", CreateMode.PERSISTENT);
            List<String> expected = List.of("NodeDataChanged /j-persistent", "NodeDataChanged /j-persistent",
                    "NodeChildrenChanged /j-persistent", "NodeChildrenChanged /j-persistent",
                    "NodeDeleted /j-persistent", "NodeCreated /j-persistent");
            Check.eventually("six events", () -> watching.seen().size() >= expected.size());
            watching.sync();
            Check.equal(expected, watching.seen(), "events");
        }
    }

    private static void recursive() throws Exception {
        try (Session watching = at(1); Session writing = at(2)) {
            watching.create("/j-recursive", CreateMode.PERSISTENT);
            watching.zk.addWatch("/j-recursive", watching, AddWatchMode.PERSISTENT_RECURSIVE);
            writing.sync();
            writing.create("/j-recursive/a", CreateMode.PERSISTENT);
            writing.create("/j-recursive/a/b", CreateMode.PERSISTENT);
            writing.zk.setData("/j-recursive/a/b", new byte[0], -1);
            writing.zk.delete("/j-recursive/a/b", -1);
            List<String> expected = List.of("NodeCreated /j-recursive/a", "NodeCreated /j-recursive/a/b",
                    "NodeDataChanged /j-recursive/a/b", "NodeDeleted /j-recursive/a/b");
            Check.eventually("four events", () -> watching.seen().size() >= expected.size());
            watching.sync();
            Check.equal(expected, watching.seen(), "events");
        }
    }

    /** Removing one kind of watch leaves the others of that path. */
    private static void removed() throws Exception {
        try (Session watching = at(1); Session writing = at(2)) {
            watching.create("/j-removed", CreateMode.PERSISTENT);
            watching.zk.addWatch("/j-removed", watching, AddWatchMode.PERSISTENT);
            watching.zk.getData("/j-removed", watching, null);
            watching.zk.getChildren("/j-removed", watching);
            watching.zk.removeWatches("/j-removed", watching, Watcher.WatcherType.Children, false);
            watching.awaitEvent(EventType.ChildWatchRemoved, "/j-removed");
            writing.sync();
            writing.create("/j-removed/a", CreateMode.PERSISTENT);
            watching.awaitEvent(EventType.NodeChildrenChanged, "/j-removed");
            watching.zk.removeAllWatches("/j-removed", Watcher.WatcherType.Any, false);
            // The client tells of them in a thread of its own, behind the answer.
            watching.awaitEvent(EventType.PersistentWatchRemoved, "/j-removed");
            watching.awaitEvent(EventType.DataWatchRemoved, "/j-removed");
            watching.forget();
            writing.zk.setData("/j-removed", new byte[0], -1);
            writing.create("/j-removed/b", CreateMode.PERSISTENT);
            watching.sync();
            Check.equal(List.of(), watching.seen(), "events after the last watch was removed");
            Check.refused(Code.NOWATCHER, () -> watching.zk.removeWatches("/j-removed", watching,
                    Watcher.WatcherType.Any, false));
        }
    }
}

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/** A handle of the plain Java client that remembers what its watchers were told. */
final class Session implements Watcher, AutoCloseable {
    static final int LONG_TIMEOUT_MS = 20_000;
    static final int SHORT_TIMEOUT_MS = 2_000;
    private static final Pattern REMOTE = Pattern.compile("remoteserver:[^:]*:(\\d+)");

    final ZooKeeper zk;
    private final List<WatchedEvent> events = new ArrayList<>();
    private boolean expired;

    Session(String servers, int timeoutMs) throws Exception {
        zk = new ZooKeeper(servers, timeoutMs, this);
        awaitConnected();
    }

    Session(String servers, long id, byte[] password) throws IOException {
        zk = new ZooKeeper(servers, LONG_TIMEOUT_MS, this, id, password);
    }

    @Override
    public synchronized void process(WatchedEvent event) {
        if (event.getType() != Event.EventType.None) {
            events.add(event);
        }
        expired |= event.getState() == Event.KeeperState.Expired;
    }

    void create(String path, CreateMode mode) throws Exception {
        zk.create(path, new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, mode);
    }

    void awaitConnected() throws Exception {
        Check.eventually("a connection", () -> zk.getState() == ZooKeeper.States.CONNECTED);
    }

    void awaitDisconnected() throws Exception {
        Check.eventually("the connection to break", () -> zk.getState() == ZooKeeper.States.CONNECTING);
    }

    /** Waits until it is connected to another node; the moment without any may be too short to see. */
    void awaitMovedFrom(int node) throws Exception {
        Check.eventually("a connection to another node", () -> {
            Matcher remote = REMOTE.matcher(zk.toString());
            return zk.getState() == ZooKeeper.States.CONNECTED && remote.find()
                    && Nodes.numberOf(Integer.parseInt(remote.group(1))) != node;
        });
    }

    void awaitExpired() throws Exception {
        Check.eventually("the session to expire", () -> {
            synchronized (this) {
                return expired;
            }
        });
        Check.equal(ZooKeeper.States.CLOSED, zk.getState(), "state of an expired session");
    }

    /** How many events of this type at this path have come so far. */
    synchronized long count(Event.EventType type, String path) {
        return events.stream().filter(e -> e.getType() == type && e.getPath().equals(path)).count();
    }

    /** All events so far, as "type path". */
    synchronized List<String> seen() {
        return events.stream().map(e -> e.getType() + " " + e.getPath()).toList();
    }

    synchronized void forget() {
        events.clear();
    }

    /** Waits for an event, and checks that it came once. */
    void awaitEvent(Event.EventType type, String path) throws Exception {
        Check.eventually(type + " at " + path, () -> count(type, path) > 0);
        Check.equal(1L, count(type, path), type + " at " + path);
    }

    /** Returns once its node has everything that was acknowledged to anybody before. */
    void sync() throws InterruptedException {
        CountDownLatch answered = new CountDownLatch(1);
        zk.sync("/", (code, path, context) -> answered.countDown(), null);
        Check.that(answered.await(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "no answer to a sync");
    }

    /** Number of the node it is connected to. */
    int node() {
        Matcher remote = REMOTE.matcher(zk.toString());
        Check.that(remote.find(), "connected to nothing: " + zk);
        return Nodes.numberOf(Integer.parseInt(remote.group(1)));
    }

    @Override
    public void close() throws InterruptedException {
        zk.close();
    }
}

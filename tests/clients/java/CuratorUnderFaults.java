import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;

/** Recipes at work while nodes are killed, and what the framework tells of it. */
final class CuratorUnderFaults {
    private static final int WORKERS = 4;
    private static final int KILLS = 4;

    private CuratorUnderFaults() {}

    static void addTo(Main main) {
        main.add("locks while nodes are killed in turn", CuratorUnderFaults::locksWhileNodesDie);
        main.add("SUSPENDED and RECONNECTED", CuratorUnderFaults::suspended);
        main.add("LOST, when the session has expired", CuratorUnderFaults::lost);
    }

    private static void locksWhileNodesDie() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CuratorLocks.Inside inside = new CuratorLocks.Inside(1);
        Thread workers = new Thread(() -> {
            try {
                Curators.crowd(WORKERS, (client, worker) -> {
                    InterProcessMutex lock = new InterProcessMutex(client, "/locks/q-faults");
                    while (!over.get()) {
                        Check.that(lock.acquire(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "lock not had");
                        inside.visit();
                        lock.release();
                    }
                });
            } catch (Throwable error) {
                failure.set(error);
            }
        });
        workers.start();
        try {
            for (int kill = 0; kill < KILLS; kill++) {
                int before = inside.entered.get();
                int node = kill % 2 == 0 ? Nodes.leader() : kill % 3 + 1;
                Nodes.kill(node);
                Check.eventually("the lock to go round without node " + node,
                        () -> failure.get() != null || inside.entered.get() > before + 2 * WORKERS);
                Nodes.start(node);
            }
        } finally {
            over.set(true);
            workers.join();
        }
        if (failure.get() != null) {
            throw new AssertionError("a worker failed", failure.get());
        }
    }

    private static void suspended() throws Exception {
        AtomicInteger suspended = new AtomicInteger();
        AtomicInteger reconnected = new AtomicInteger();
        AtomicInteger lost = new AtomicInteger();
        try (CuratorFramework client = Curators.open()) {
            client.getConnectionStateListenable().addListener((ignored, state) -> {
                switch (state) {
                    case SUSPENDED -> suspended.incrementAndGet();
                    case RECONNECTED -> reconnected.incrementAndGet();
                    case LOST -> lost.incrementAndGet();
                    default -> { }
                }
            });
            long session = Curators.session(client);
            client.create().withMode(CreateMode.EPHEMERAL).forPath("/q-suspended");
            int node = Curators.node(client);
            Nodes.kill(node);
            Check.eventually("SUSPENDED and RECONNECTED", () -> suspended.get() > 0 && reconnected.get() > 0);
            Check.equal(session, Curators.session(client), "session");
            Check.equal(session, client.checkExists().forPath("/q-suspended").getEphemeralOwner(), "owner");
            Check.equal(0, lost.get(), "sessions lost");
            Nodes.start(node);
        }
    }

    private static void lost() throws Exception {
        AtomicReference<ConnectionState> last = new AtomicReference<>();
        AtomicInteger lost = new AtomicInteger();
        try (CuratorFramework client = Curators.open(Nodes.all(), Curators.SHORT_TIMEOUT_MS)) {
            client.getConnectionStateListenable().addListener((ignored, state) -> {
                last.set(state);
                if (state == ConnectionState.LOST) {
                    lost.incrementAndGet();
                }
            });
            long session = Curators.session(client);
            client.create().withMode(CreateMode.EPHEMERAL).forPath("/q-lost");
            Nodes.freezeUntilExpired(session);
            Check.eventually("LOST, then RECONNECTED",
                    () -> lost.get() > 0 && last.get() == ConnectionState.RECONNECTED);
            Check.that(Curators.session(client) != session, "the old session");
            client.sync().forPath("/");
            Check.equal(null, client.checkExists().forPath("/q-lost"), "ephemeral of an expired session");
        }
    }
}

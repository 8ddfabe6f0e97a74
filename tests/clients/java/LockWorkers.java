import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/**
 * Curator's part in a contest (locks/main.py): `LockWorkers mutex|rw|semaphore LOCK PORT WORKERS`.
 * Whoever has the lock tells the referee at the port, who also says when the contest is over.
 */
public final class LockWorkers {
    private static final double SHORT_TRIES = 0.2;
    private static final long SHORT_MS = 30;
    private static final long ACQUIRE_MS = 60_000;
    /** As contests.py has it. */
    private static final int PERMITS = 2;

    private final String kind;
    private final String lock;
    private final int port;

    private LockWorkers(String[] arguments) {
        kind = arguments[0];
        lock = arguments[1];
        port = Integer.parseInt(arguments[2]);
    }

    /** A hold: how to tell of it, how to give it back, and the read lock that a writer may take too. */
    private record Hold(String mode, String lock, String path, InterProcessMutex reader, Check.Action release) {}

    /** A mutex that says which znode is its own. */
    private static final class Mutex extends InterProcessMutex {
        Mutex(CuratorFramework client, String path) {
            super(client, path);
        }

        String path() {
            return getLockPath();
        }
    }

    private Hold mutex(CuratorFramework client, long waitMs) throws Exception {
        Mutex mutex = new Mutex(client, "/locks/" + lock);
        boolean held = mutex.acquire(waitMs, TimeUnit.MILLISECONDS);
        return held ? new Hold("exclusive", lock, mutex.path(), null, mutex::release) : null;
    }

    private Hold readWrite(CuratorFramework client, long waitMs, boolean write) throws Exception {
        InterProcessReadWriteLock both = new InterProcessReadWriteLock(client, "/locks/" + lock);
        if (write) {
            boolean held = both.writeLock().acquire(waitMs, TimeUnit.MILLISECONDS);
            return held ? new Hold("exclusive", lock, both.writeLock().getLockPath(), both.readLock(),
                    both.writeLock()::release) : null;
        }
        boolean held = both.readLock().acquire(waitMs, TimeUnit.MILLISECONDS);
        return held ? new Hold("shared", lock, both.readLock().getLockPath(), null, both.readLock()::release) : null;
    }

    /** Its leases are the claims of lock NAME/leases; the recipe's own mutex is NAME/locks. */
    private Hold semaphore(CuratorFramework client, long waitMs) throws Exception {
        String path = "/locks/" + lock.substring(0, lock.lastIndexOf("/leases"));
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, PERMITS);
        Lease lease = semaphore.acquire(waitMs, TimeUnit.MILLISECONDS);
        return lease == null ? null : new Hold(String.valueOf(PERMITS), lock,
                path + "/leases/" + lease.getNodeName(), null, () -> semaphore.returnLease(lease));
    }

    private Hold acquire(CuratorFramework client, Random chance, long waitMs) throws Exception {
        return switch (kind) {
            case "mutex" -> mutex(client, waitMs);
            case "rw" -> readWrite(client, waitMs, chance.nextInt(3) == 0);
            default -> semaphore(client, waitMs);
        };
    }

    private void work(CuratorFramework client, int worker) throws Exception {
        Random chance = new Random(worker);
        String who = "curator " + worker;
        try (Referee referee = new Referee(port)) {
            while (!referee.over) {
                boolean shortly = chance.nextDouble() < SHORT_TRIES;
                long waitMs = shortly ? SHORT_MS : ACQUIRE_MS;
                Hold hold = acquire(client, chance, waitMs);
                if (hold == null) {
                    Check.that(shortly, who + " waited " + waitMs + " ms in vain");
                    continue;
                }
                long fence = client.checkExists().forPath(hold.path).getCzxid();
                referee.tell("enter " + hold.lock + " " + hold.mode + " " + fence + " " + who);
                if (hold.reader != null && chance.nextBoolean()) {
                    goOnReading(hold, referee);
                } else {
                    referee.tell("leave");
                    hold.release.run();
                }
            }
        }
    }

    /** A writer may take the read lock too, and then give the write lock back. */
    private static void goOnReading(Hold hold, Referee referee) throws Exception {
        Check.that(hold.reader.acquire(ACQUIRE_MS, TimeUnit.MILLISECONDS), "a writer may read too");
        referee.tell("share");
        hold.release.run();
        referee.tell("leave");
        hold.reader.release();
    }

    private static final class Referee implements AutoCloseable {
        private final Socket socket;
        private final PrintWriter out;
        private final BufferedReader in;
        boolean over;

        Referee(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            out = new PrintWriter(socket.getOutputStream(), true);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
        }

        void tell(String what) throws IOException {
            out.println(what);
            String answer = in.readLine();
            Check.that(answer != null, "the referee is gone");
            over |= answer.equals("over");
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    public static void main(String[] arguments) {
        try {
            Curators.crowd(Integer.parseInt(arguments[3]), new LockWorkers(arguments)::work);
        } catch (Throwable failure) {
            failure.printStackTrace();
            System.exit(1);
        }
        System.exit(0);
    }
}

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;

/** The three nodes, by way of the runner (run.py says which orders there are). */
final class Nodes {
    private static final BufferedReader ANSWERS = new BufferedReader(new InputStreamReader(System.in));
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Nodes() {}

    static List<String> addresses() {
        return List.of(System.getenv("HOLDFAST_ZOOKEEPER").split(","));
    }

    static String all() {
        return System.getenv("HOLDFAST_ZOOKEEPER");
    }

    static String one(int number) {
        return addresses().get(number - 1);
    }

    /** Number of the node with this port. */
    static int numberOf(int port) {
        for (int at = 0; at < addresses().size(); at++) {
            if (addresses().get(at).endsWith(":" + port)) {
                return at + 1;
            }
        }
        throw new AssertionError("no node listens at port " + port);
    }

    static void kill(int number) {
        order("kill " + number);
    }

    static void start(int number) {
        order("start " + number);
    }

    static int leader() {
        return Integer.parseInt(order("leader"));
    }

    /** This whole process stands still until the session has expired. */
    static void freezeUntilExpired(long session) {
        order("freeze " + Long.toHexString(session));
    }

    private static synchronized String order(String order) {
        try {
            System.out.println("@" + order);
            System.out.flush();
            String answer = ANSWERS.readLine();
            Check.that(answer != null && answer.startsWith("ok"), order + ": " + answer);
            return answer.substring(2).trim();
        } catch (IOException error) {
            throw new AssertionError("the runner is gone", error);
        }
    }

    /** Ends a session by way of HTTP, at whichever node answers. */
    static void endSession(long session) throws Exception {
        String path = "/v1/sessions/0x" + Long.toHexString(session);
        HttpResponse<String> answer = http("DELETE", path, HttpRequest.BodyPublishers.noBody());
        Check.equal(200, answer.statusCode(), answer.body());
    }

    /** One request, to the first node that answers. */
    static HttpResponse<String> http(String method, String path, HttpRequest.BodyPublisher body)
            throws Exception {
        IOException last = null;
        for (String node : System.getenv("HOLDFAST_HTTP").split(",")) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(node + path)).method(method, body).build();
            try {
                return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
            } catch (IOException error) {
                last = error;
            }
        }
        throw last;
    }
}

package dev.graft.peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Finds what lies beside the project; a test that needs it skips aloud where it is absent. */
public final class Shared {
  private Shared() {}

  public static Path path(String name) {
    String given = System.getenv("GRAFT_SHARED");
    Path shared = given == null ? Path.of("../../shared") : Path.of(given);
    Path path = shared.resolve(name).toAbsolutePath().normalize();
    Assumptions.assumeTrue(
        Files.exists(path), () -> "SKIPPED: " + path + " is not there; set GRAFT_SHARED");
    return path;
  }

  public static Path smollm2() {
    String given = System.getenv("GRAFT_SMOLLM2");
    Path model = given == null ? Path.of("../target/smollm2") : Path.of(given);
    Assumptions.assumeTrue(
        Files.exists(model),
        () -> "SKIPPED: " + model + " is not there; run scripts/smollm2 or set GRAFT_SMOLLM2");
    return model;
  }

  public static List<JsonNode> cases(String name) throws IOException {
    List<JsonNode> cases = new ArrayList<>();
    JsonMapper.shared()
        .readTree(Files.readString(path("golden/" + name + "/golden.json")))
        .get("cases")
        .forEach(cases::add);
    return cases;
  }

  public static int[] ids(JsonNode node) {
    int[] ids = new int[node.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = node.get(i).asInt();
    }
    return ids;
  }
}

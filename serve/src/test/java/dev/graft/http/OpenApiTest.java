package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The served description against what is served; scripts/peers/schemathesis tries the rest. */
class OpenApiTest {
  @Test
  void itHasTheRoutesThereAre() throws Exception {
    try (TestServer server = TestServer.open()) {
      JsonNode document = JsonMapper.shared().readTree(server.get("/openapi.json").body());
      Set<String> described = new TreeSet<>();
      for (String path : document.get("paths").propertyNames()) {
        for (String method : document.get("paths").get(path).propertyNames()) {
          described.add(method.toUpperCase(Locale.ROOT) + " " + path);
        }
      }
      Set<String> served = new TreeSet<>(server.routes());
      // For people and for the page: not part of the API.
      served.removeIf(route ->
          route.startsWith("GET /page/")
              || Set.of("GET /", "GET /live", "GET /openapi.json").contains(route));
      assertEquals(served, described);
    }
  }
}

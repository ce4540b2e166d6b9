package dev.graft.page;

import dev.graft.disk.WholeFile;
import java.io.IOException;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One self-contained page of plans. What it draws is in {@code plan.js}, which says by name what it
 * takes: {@code plans}, {@code sensitivity}, {@code serving}, {@code notes}.
 */
public final class PlanPage {
  private PlanPage() {}

  /**
   * Writes the page; an older {@code out} stays whole until the new one is.
   *
   * @param title plain text
   * @param data as {@code plan.js} takes it; may hold any text
   * @throws IOException where {@code out} cannot be written
   */
  public static void write(String title, ObjectNode data, Path out) throws IOException {
    ObjectNode whole = data.deepCopy();
    whole.put("title", title);
    whole.putArray("introduction");
    WholeFile.write(
        PageTemplate.fill(
            title, JsonMapper.shared().writeValueAsString(whole), PageTemplate.PLAN_SCRIPTS),
        out);
  }
}

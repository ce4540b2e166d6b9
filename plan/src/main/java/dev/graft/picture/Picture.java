package dev.graft.picture;

import dev.graft.inference.InferencePlan;
import dev.graft.inference.PublishedRate;
import dev.graft.page.PlanPage;
import dev.graft.search.Plan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What a page of plans shows, collected and written. */
public final class Picture {
  private final String title;
  private final ObjectNode data = JsonNodeFactory.instance.objectNode();
  private final ArrayNode plans = data.putArray("plans");
  private final ArrayNode sensitivity = data.putArray("sensitivity");
  private final ArrayNode notes = data.putArray("notes");

  /** An empty page. */
  public Picture(String title) {
    this.title = title;
    data.putNull("serving");
  }

  /** Adds a plan; the first is the one that others are compared with. */
  public void add(String name, Plan plan) {
    plans.add(PlanPicture.of(name, plan));
  }

  /**
   * Adds what the first plan would do if something were different.
   *
   * @param change in words
   * @param asItIs tokens/s a device with its layers and recomputed layers as they are; NaN: it does
   *     not fit
   * @param replanned the same planned anew; NaN: nothing fits
   */
  public void addChange(String change, double asItIs, double replanned) {
    ObjectNode row = sensitivity.addObject().put("change", change);
    put(row, "tokens_per_second", asItIs);
    put(row, "replanned", replanned);
  }

  private static void put(ObjectNode row, String key, double value) {
    if (Double.isNaN(value)) {
      row.putNull(key);
    } else {
      row.put(key, value);
    }
  }

  /**
   * Adds a plan for serving.
   *
   * @param answer whether it fits, in a sentence
   * @param note what stands below the curve; may be empty
   */
  public void addServing(
      InferencePlan plan, Optional<PublishedRate> published, String answer, String note) {
    data.set("serving", ServingPicture.of(plan, published, answer, note));
  }

  /** Adds a line at the foot. */
  public void addNote(String note) {
    notes.add(note);
  }

  /** Writes the page; an older {@code out} stays whole until the new one is. */
  public void write(Path out) throws IOException {
    PlanPage.write(title, data, out);
  }
}

package dev.graft.picture;

import dev.graft.inference.InferenceModel;
import dev.graft.inference.InferencePlan;
import dev.graft.inference.Limit;
import dev.graft.inference.PublishedRate;
import dev.graft.inference.ServingPoint;
import dev.graft.layout.RankSlice;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A plan for serving as {@code plan.js} draws it. */
final class ServingPicture {
  private ServingPicture() {}

  /**
   * A plan.
   *
   * @param answer whether it fits, in a sentence
   * @param note what stands below the curve
   */
  static ObjectNode of(
      InferencePlan plan, Optional<PublishedRate> published, String answer, String note) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("answer", answer);
    json.put("note", note);
    published.ifPresent(rate -> json.put("published", rate.tokensPerSecond()));
    InferenceModel model = plan.model();
    ArrayNode ranks = json.putArray("ranks");
    for (int r = 0; r < model.layout().ranks(); r++) {
      RankSlice slice = model.layout().slice(r);
      ranks
          .addObject()
          .put("rank", r)
          .put("device", model.cluster().device(r).name())
          .put("heads", slice.heads().length())
          .put("columns", slice.columns().length())
          .put("weights", model.weightBytes(r))
          .put("cache", model.cacheBytes(r))
          .put("usable", model.room(r));
    }
    ArrayNode points = json.putArray("points");
    for (ServingPoint point : plan.points()) {
      ObjectNode node = points.addObject();
      node.put("batch", point.batch());
      node.put("fits", point.fits());
      node.put("experts", point.distinctExperts());
      node.put("seconds", point.decode().total());
      node.put("decode", point.decodeTokensPerSecond());
      node.put("output", point.outputTokensPerSecond());
      node.put("limit", point.decode().limit().words());
      ObjectNode terms = node.putObject("terms");
      for (Limit limit : Limit.values()) {
        terms.put(limit.words(), point.decode().seconds().getOrDefault(limit, 0.0));
      }
    }
    return json;
  }
}

// The reference of the API at /docs: what openapi.json says, drawn by Swagger UI from files of this origin.

import SwaggerUi from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUi({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  // Else it sends the document to its maker's server, to be judged there.
  validatorUrl: null,
});

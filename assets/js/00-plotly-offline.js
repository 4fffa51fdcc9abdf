// Lets Plotly `geo` subplots draw with no network: registers empty base layers in place of the ones that plotly.js would
// fetch from cdn.plot.ly, even for a map with its own GeoJSON and `visible: false`. Works before and after plotly.js.
(function () {
  "use strict";
  var layers = ["coastlines", "land", "ocean", "lakes", "rivers", "countries", "subunits"];
  // <scope>_<resolution>: the names plotly.js 4.1 asks for, see `topojsonUtils.getTopojsonName`.
  var scopes = ["world", "usa", "europe", "asia", "africa", "north-america", "south-america", "oceania", "antarctica"];
  var assets = (window.PlotlyGeoAssets = window.PlotlyGeoAssets || {});
  assets.topojson = assets.topojson || {};
  scopes.forEach(function (scope) {
    ["110m", "50m"].forEach(function (resolution) {
      var objects = {};
      layers.forEach(function (layer) {
        objects[layer] = { type: "GeometryCollection", geometries: [] };
      });
      var key = scope + "_" + resolution;
      assets.topojson[key] = assets.topojson[key] || {
        type: "Topology",
        objects: objects,
        arcs: [],
        transform: { scale: [1, 1], translate: [0, 0] },
      };
    });
  });
})();
